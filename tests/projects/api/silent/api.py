raise AssertionError("an app with api_module = None has no API to import")
