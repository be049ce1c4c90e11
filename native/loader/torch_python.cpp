// libtorch_python in name only: see open_operators() in loader.cpp.
