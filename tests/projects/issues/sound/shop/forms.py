"""A form whose choices are queried when it is shown."""

from django import forms

from shop.models import Country


class LocationForm(forms.Form):
    country = forms.ModelChoiceField(queryset=Country.objects.all())
