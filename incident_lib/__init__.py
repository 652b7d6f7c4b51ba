"""Evidence, diagnosis and coordination for engineers on call."""
