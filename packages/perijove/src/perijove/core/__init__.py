"""What every part shares: errors, settings, states, resources and flavors. No web framework, no database."""
