// Empty: lets linked.go declare functions without bodies.
