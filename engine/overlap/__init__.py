"""Overlap reduction functions of pulsar pairs under an anisotropic gravitational-wave sky."""
