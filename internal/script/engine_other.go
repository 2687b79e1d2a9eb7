//go:build !unix

package script

import (
	"context"

	"kartoteka/internal/fault"
)

// Engine runs no scripts here.
type Engine struct{}

// New makes an engine that answers everything with fault.ScriptsUnavailable.
func New(c Config) *Engine {
	c.complete()
	return &Engine{}
}

// Close does nothing.
func (*Engine) Close() error { return nil }

// Run fails with fault.ScriptsUnavailable.
func (*Engine) Run(_ context.Context, _ Host, req *Request) ([]Result, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	return nil, noLinux()
}

// Check fails with fault.ScriptsUnavailable.
func (*Engine) Check(context.Context, string, string, string, Mode) (*Checked, error) {
	return nil, noLinux()
}

// Walls is empty.
func (*Engine) Walls() string { return "" }

func noLinux() error { return unavailable(nil, fault.Msg("they need Linux on amd64 or arm64")) }
