module treadle/conformance/concurrent

go 1.19
