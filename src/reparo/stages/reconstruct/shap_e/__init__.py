"""Shap-E (Jun and Nichol 2023): one picture to the weights of a small field, and its surface."""
