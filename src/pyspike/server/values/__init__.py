"""The values of bins.

packed.py is their model; decoding.py and encoding.py are its bytes, ordering.py its order. particles.py and
normalising.py decide what is stored, bin_values.py turns bins into values of the model and back.
"""
