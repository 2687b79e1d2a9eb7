package apisync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

const (
	// changeTries bounds how often a change is prepared anew because another came first.
	changeTries = 5
	// resourcesMost bounds the configs and the scripts of a company, each.
	resourcesMost = 1_000
	// bodyMost bounds a stored resource, in bytes.
	bodyMost = 4 << 20
)

// Role is what somebody may do with the module's configuration.
type Role int

// The roles, each with all that is before it.
const (
	NoRole Role = iota
	Operator
	Administrator
)

// Role tells what an actor may do.
func (s *Service) Role(ctx context.Context, a catalog.Actor) (Role, error) {
	err := s.options.Catalog.AdministersCompany(ctx, a)
	if err == nil {
		return Administrator, nil
	}
	if !fault.Is(err, fault.Forbidden) || !a.Scope.Allows(account.Administers) || a.Employee == 0 {
		return NoRole, ignoreForbidden(err)
	}
	st, err := s.Current(ctx)
	if err != nil || !slices.Contains(st.Settings.Operators, a.Employee) {
		return NoRole, err
	}
	there, err := s.options.Catalog.Standing(ctx, []query.Record{a.Employee})
	if _, ok := there[a.Employee]; err != nil || !ok {
		return NoRole, err
	}
	return Operator, nil
}

func ignoreForbidden(err error) error {
	if fault.Is(err, fault.Forbidden) {
		return nil
	}
	return err
}

// Need fails with Forbidden for who has not that role.
func (s *Service) Need(ctx context.Context, a catalog.Actor, want Role) error {
	have, err := s.Role(ctx, a)
	if err == nil && have < want {
		return fault.New(fault.Forbidden, "You have no right to do this")
	}
	return err
}

// Match is the version that a caller expects; nil for any.
type Match *int64

func (r *Resource) matches(m Match) error {
	if m != nil && *m != r.Version {
		e := fault.New(fault.Conflict, "it has the version %d now", r.Version)
		e.Status = http.StatusPreconditionFailed
		return e
	}
	return nil
}

// change is what a prepared change does in its transaction.
type change struct {
	event string
	attrs []any
	write func(w Writer) error // nil for nothing to do
}

// change carries out a change of the configuration by an administrator. prepare gets
// the configuration of now, and runs again with the next one if it was changed
// meanwhile; nothing slow is done in the transaction.
func (s *Service) change(ctx context.Context, a catalog.Actor, prepare func(*State) (change, error)) error {
	if err := s.Need(ctx, a, Administrator); err != nil {
		return err
	}
	for range changeTries {
		st, err := s.options.Catalog.Current(ctx)
		if err != nil {
			return err
		}
		state, err := s.under(ctx, st)
		if err != nil {
			return err
		}
		c, err := prepare(state)
		if err != nil || c.write == nil {
			return err
		}
		err = s.options.Catalog.Configure(ctx, a, state.Structure, c.event, func() []any { return c.attrs },
			func(w catalog.Writer) error { return c.write(writer(w)) })
		if !errors.Is(err, catalog.ErrStale) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "The structure keeps changing; try again")
}

var codePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// codeOf makes a code of a name.
func codeOf(name string, taken func(string) bool) string {
	var b strings.Builder
	for _, r := range catalog.Attribute(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	base := strings.Trim(b.String(), "-")
	if base == "" {
		base = "config"
	}
	base = base[:min(len(base), 50)]
	code := base
	for n := 2; taken(code); n++ {
		code = fmt.Sprintf("%s-%d", base, n)
	}
	return code
}

// save stores what a resource has become. seal gets its id, and gives what is to be
// stored once that is known.
func (s *Service) save(ctx context.Context, w Writer, r *Resource, seal func(id int64) (any, error)) error {
	now := s.options.Now().UnixMilli()
	if r.ID == 0 {
		r.Created, r.Updated, r.Body = now, now, []byte(`{}`)
		if err := w.SaveSyncResource(ctx, r); err != nil {
			return err
		}
	}
	v, err := seal(r.ID)
	if err != nil {
		return err
	}
	if r.Body, err = json.Marshal(v); err != nil {
		return fmt.Errorf("encode the %s %q: %w", r.Kind, r.Code, err)
	}
	if len(r.Body) > bodyMost {
		return fault.New(fault.BodyTooLarge, "the body is larger than %d bytes", bodyMost)
	}
	r.Updated = now
	r.Version++
	return w.SaveSyncResource(ctx, r)
}

// resourceOf is a copy of the stored resource, a new one if there is none.
func (s *State) resourceOf(k Kind, code string) *Resource {
	if r := s.resources[resourceKey{k, code}]; r != nil {
		c := *r
		return &c
	}
	return &Resource{Kind: k, Code: code}
}

func noResource() error { return fault.New(fault.NotFound, "there is no such resource") }

// Page is a part of a list.
type Page struct {
	Q      string // in code, name, endpoint, case ignored
	Order  string // code, name, created_at, updated_at; "-" before it or " desc" after
	Limit  int
	Offset int
}
