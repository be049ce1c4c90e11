// libtorch_python in name only: see load_operators() in loader.cpp.
