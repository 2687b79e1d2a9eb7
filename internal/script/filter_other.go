//go:build unix && !(linux && (amd64 || arm64))

package script

// allowed is empty: there are no walls here.
var allowed systemCalls
