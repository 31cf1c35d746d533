"""digitprep: other people's handwriting in MNIST's format, any digit dataset in any other.

The public names are imported from their modules on first use, so that importing the package, and
with it `digitprep --help`, costs next to nothing.
"""
