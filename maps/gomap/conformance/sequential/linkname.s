// Empty: because this file is there, the compiler takes functions without a body (runtime.go).
