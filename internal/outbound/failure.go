package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"kartoteka/internal/fault"
)

// Reason is the kind of a failure. It may be stored and logged.
type Reason string

const (
	// InvalidURL is an address that cannot be called, InvalidRequest another part
	// of the request that cannot be sent.
	InvalidURL     Reason = "invalid_url"
	InvalidRequest Reason = "invalid_request"
	// RefusedAddress is an address, or a name that leads to one, that the policy
	// does not allow.
	RefusedAddress Reason = "refused_address"
	// UnknownHost is a name that does not exist, LookupFailed one of which nothing
	// is known just now.
	UnknownHost  Reason = "unknown_host"
	LookupFailed Reason = "lookup_failed"
	// Timeout is a bound of time: on the connection when nothing was Sent, else on
	// the whole call.
	Timeout Reason = "timeout"
	// Unreachable is a receiver that takes no connection, Broken one that ends it
	// before its answer is whole.
	Unreachable Reason = "unreachable"
	Broken      Reason = "broken"
	// Untrusted is a certificate that is not accepted, TLSFailed a receiver with
	// which no encryption can be agreed on.
	Untrusted Reason = "untrusted"
	TLSFailed Reason = "tls_failed"
	// TooLarge is an answer over MaxHeader or MaxBody.
	TooLarge Reason = "too_large"
	// BadResponse is an answer that is not HTTP/1, or not one to this request.
	BadResponse Reason = "bad_response"
	// TooManyRedirects is a receiver that redirects more than MaxRedirects times.
	TooManyRedirects Reason = "too_many_redirects"
	// ProxyFailed is a proxy that is not reached or does not reach the receiver.
	ProxyFailed Reason = "proxy_failed"
	// Cancelled is a caller that gave the call up.
	Cancelled Reason = "cancelled"
)

// permanent are the reasons for which the same call fails again until a person
// mends something.
var permanent = []Reason{InvalidURL, InvalidRequest, RefusedAddress, Untrusted, TLSFailed, TooLarge, TooManyRedirects}

// Error is why a call failed.
type Error struct {
	Reason Reason
	// Message is for people. It names the host as the caller, or the receiver that
	// redirected, wrote it, and never an address that a name leads to.
	Message fault.Message
	// Setting is what would allow a RefusedAddress, as "NAME" or "NAME=value"; ""
	// when nothing would.
	Setting string
	// Sent tells that the receiver may have got the request, so that it may have
	// acted on it. False is certain.
	Sent  bool
	cause error
}

// Error is for the log: what it says after the message may hold addresses.
func (e *Error) Error() string {
	text := "outbound: " + string(e.Reason) + ": " + e.Message.In("")
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.cause }

// Retryable tells whether the same call may succeed later without anybody's doing.
// Whether it may be repeated, when it was Sent, is the caller's to know.
func (e *Error) Retryable() bool { return !slices.Contains(permanent, e.Reason) }

func invalid(m fault.Message) *Error { return &Error{Reason: InvalidURL, Message: m} }

// explain makes the refusal an error about the host that was written.
func (r *refusal) explain(host string) *Error {
	e := &Error{Reason: RefusedAddress, Setting: r.setting, cause: r}
	switch {
	case r.own:
		e.Message = fault.Msg("%s leads to this server itself, which is never called", host)
	case r.setting != "":
		e.Message = fault.Msg("%s leads to a private network; the setting %s would allow the call", host, r.setting)
	default:
		e.Message = fault.Msg("%s leads to an address that is never called", host)
	}
	return e
}

// proxyAnswer is a proxy that does not open the way to a receiver.
type proxyAnswer struct{ status int }

func (e *proxyAnswer) Error() string {
	return fmt.Sprintf("the proxy answers CONNECT with %d", e.status)
}

// proxyDial is a proxy that is not reached.
type proxyDial struct{ error }

func (e *proxyDial) Unwrap() error { return e.error }

// explain turns what the transport says of a call to host into an Error. ctx has the
// bound of the whole call; only its caller ends it otherwise.
func (c *call) explain(ctx context.Context, host string, err error) *Error {
	var (
		known   *Error
		refused *refusal
		answer  *proxyAnswer
		dial    *proxyDial
		lookup  *net.DNSError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused):
		e := refused.explain(host)
		e.cause = err
		return e
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Reason: Cancelled, Message: fault.Msg("the call was given up"), cause: err}
	case errors.As(err, &answer), errors.As(err, &dial):
		return &Error{Reason: ProxyFailed, Message: fault.Msg("%s is not reached through the proxy of outgoing calls", host), cause: err}
	case ctx.Err() != nil:
		return c.late(host, err)
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return &Error{Reason: UnknownHost, Message: fault.Msg("there is no host %s", host), cause: err}
	case errors.As(err, &lookup):
		return &Error{Reason: LookupFailed, Message: fault.Msg("the host %s cannot be looked up", host), cause: err}
	case untrusted(err):
		return &Error{Reason: Untrusted, Message: fault.Msg("the certificate of %s is not trusted", host), cause: err}
	}
	return c.explainConnection(host, err)
}

// explainConnection is explain for what happens between two machines.
func (c *call) explainConnection(host string, err error) *Error {
	var (
		timeout interface{ Timeout() bool }
		op      *net.OpError
	)
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return c.late(host, err)
	case tlsFailed(err):
		return &Error{Reason: TLSFailed, Message: fault.Msg("no encryption can be agreed on with %s", host), cause: err}
	case errors.As(err, &op) && op.Op == "dial":
		return &Error{Reason: Unreachable, Message: fault.Msg("%s accepts no connection", host), cause: err}
	// The text is net/http's, which gives no value to compare with.
	case strings.Contains(err.Error(), "response headers exceeded"):
		return tooLarge(host, c.client.config.MaxHeader, err)
	case brokenOff(err):
		return &Error{Reason: Broken, Message: fault.Msg("%s breaks off the connection", host), cause: err}
	}
	return badResponse(host, err)
}

func (c *call) late(host string, err error) *Error {
	if c.connected.Load() {
		return &Error{Reason: Timeout, Message: fault.Msg("%s does not answer in time", host), cause: err}
	}
	return &Error{Reason: Timeout, Message: fault.Msg("%s does not accept a connection in time", host), cause: err}
}

func tooLarge(host string, bytes int64, err error) *Error {
	return &Error{Reason: TooLarge, Message: fault.Msg("%s answers more than %d bytes", host, bytes), cause: err}
}

func badResponse(host string, err error) *Error {
	return &Error{Reason: BadResponse, Message: fault.Msg("%s does not answer as HTTP demands", host), cause: err}
}

func untrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) {
		return true
	}
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &invalid) || errors.As(err, &name) || errors.As(err, &authority)
}

// tlsFailed knows the errors of a handshake: many of them are texts only.
func tlsFailed(err error) bool {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var op *net.OpError
	switch {
	case errors.As(err, &record), errors.As(err, &alert):
		return true
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.HasPrefix(err.Error(), "tls: ") {
			return true
		}
	}
	return false
}

func brokenOff(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "read" || op.Op == "write") ||
		// The texts are net/http's, which gives no value to compare with.
		strings.Contains(err.Error(), "server closed idle connection") ||
		strings.Contains(err.Error(), "transport connection broken: unexpected EOF")
}
