"""Settings of the echo project: no database, nothing but views that tell what reached them."""

SECRET_KEY = "echo"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "echo_urls"
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
USE_TZ = True
LOGGING_CONFIG = None
