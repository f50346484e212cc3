module treadle/conformance/sequential

go 1.19
