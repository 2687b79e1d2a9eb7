// Package mail makes letters and hands them to the operator's mail server.
//
// A letter is a template of one Code filled with Values. Templates are people's:
// what is not understood is an error, and the caller falls back to Builtin. Values
// are whatever people typed, so they are escaped in HTML and cannot add a header.
//
//	Builtin or a record --> Template --Fill(Values)--> Letter --Sender.Send--> SMTP
//
// The package must not know records, companies or queues: who waits, tries again
// and gives up is the caller. The mail server is named by the operator and may well
// be in a private network.
package mail
