package apisync

// NewState compiles resources for tests.
var NewState = newState

// Strftime and Strptime are patterns of dates for tests.
var (
	Strftime = strftime
	Strptime = strptime
)
