"""The values of bins: their packed model, their order, their stored forms."""
