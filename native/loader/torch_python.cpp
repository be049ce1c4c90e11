// An empty library with the name libtorch_python: see open_operators() in loader.cpp.
