"""Wrong: the choices are read when the module is imported."""

from django import forms

from shop.models import Country


class LocationForm(forms.Form):
    country = forms.ChoiceField(choices=[(c.pk, c.name) for c in Country.objects.all()])
