package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// accountKind marks the outbox messages about accounts.
const accountKind = "account"

// AccountDirectory is the accounts of the server as the company sees them that
// administers it. Its accounts are the truth, the records of $accounts show them.
type AccountDirectory interface {
	// Accounts lists all accounts.
	Accounts(ctx context.Context) ([]DirectoryAccount, error)
	// LoginFree fails with a fault when another account than that one has the
	// login, or nobody can have it.
	LoginFree(ctx context.Context, account query.Record, login string) error
	// Apply carries out one message of the outbox. It is repeated after a crash.
	// It fails with a fault when the message can never be carried out.
	Apply(ctx context.Context, m AccountMessage) error
}

// DirectoryAccount is an account as the directory knows it. Times are zero for
// never.
type DirectoryAccount struct {
	Account         query.Record // its number, also of its record
	Name            string
	Login           string
	Employee        query.Record // of this company; 0 for none
	LastLogin       time.Time
	LastActivity    time.Time
	FailedLogins    int
	SessionsFrom    time.Time
	RequestLimit    int // 0: the server's
	RequestInterval time.Duration
}

// AccountMessage says what somebody wants of an account. What is nil stays.
type AccountMessage struct {
	Account query.Record `json:"account"`
	// Employee is the one of this company whose login changes with it; 0 for none.
	Employee query.Record `json:"employee,omitempty"`
	Delete   bool         `json:"delete,omitempty"`
	Unlock   bool         `json:"unlock,omitempty"`
	Name     *string      `json:"name,omitempty"`
	Login    *string      `json:"login,omitempty"`
	// SessionsFrom is in UTC ms, 0 for none; RequestInterval in ms.
	SessionsFrom    *int64 `json:"sessionsFrom,omitempty"`
	RequestLimit    *int   `json:"requestLimit,omitempty"`
	RequestInterval *int64 `json:"requestInterval,omitempty"`
}

// about is whose messages must not overtake this one: the employee's, else a
// number that no employee has.
func (m *AccountMessage) about() query.Record {
	if m.Employee != 0 {
		return m.Employee
	}
	return -m.Account
}

// accountEdit is a message about an account with what the transaction needs.
type accountEdit struct {
	AccountMessage
	was string // the login before; "" when it stays
}

// notMade refuses to make a record of which the server makes all.
func notMade(c *Catalog) error {
	switch c.Num {
	case Accounts:
		return fault.New(fault.InvalidParameter, "Accounts are not made here: give an employee a login, or invite one")
	case companies:
		return fault.New(fault.InvalidParameter, "This server serves one company: no other can be made")
	}
	return nil
}

// notRemoved refuses to remove the record of the company.
func (s *Service) notRemoved(sub *subject) error {
	if sub.catalog.Num == companies && sub.record == s.companyRecord() {
		return fault.New(fault.InvalidParameter, "This server serves one company: it cannot be removed")
	}
	return nil
}

// accountEdits works out what the steps ask of accounts.
func (p *planner) accountEdits(ctx context.Context) (list []accountEdit, err error) {
	if p.s.options.Server.Accounts == nil {
		return nil, nil
	}
	for _, s := range p.steps {
		if s.subject.catalog.Num != Accounts || s.kind == commentStep {
			continue
		}
		edit, wanted := p.accountEdit(s)
		if edit.Login != nil {
			if err := p.checkAccountLogin(ctx, s.subject.catalog, &edit); err != nil {
				return nil, err
			}
		}
		if wanted {
			list = append(list, edit)
		}
	}
	return list, nil
}

func (p *planner) checkAccountLogin(ctx context.Context, c *Catalog, edit *accountEdit) error {
	email := c.FieldByKey(emailKey)
	if *edit.Login == "" {
		return fault.Invalid([]fault.Detail{missing(email)})
	}
	err := p.s.options.Server.Accounts.LoginFree(ctx, edit.Account, *edit.Login)
	if fault.Is(err, fault.Duplicate) {
		return taken(email)
	}
	return refusal(err, email)
}

// taken says that another record has the text of a field that must be unique.
func taken(f *Field) error {
	e := fault.New(fault.Duplicate, "%s: another record has this value", f.Name)
	e.Details = []fault.Detail{fault.Field(f.Key, fault.Duplicate, "%s: another record has this value", f.Name)}
	return e
}

// accountEdit tells what a step asks of the account, and whether it asks at all.
func (p *planner) accountEdit(s *step) (edit accountEdit, wanted bool) {
	c := s.subject.catalog
	edit.Account = s.subject.record
	if s.kind == deleteStep {
		edit.Delete, edit.was = true, s.before(c.FieldByKey(emailKey))
		return edit, true
	}
	for _, ch := range s.changes {
		if ch.field.System {
			wanted = edit.take(ch) || wanted
		}
	}
	// The record may not show failures yet that the directory has counted.
	failed := c.FieldByKey(failedLoginsKey)
	if i := indexOf(s.given, failed.Num, 0); i >= 0 && p.right(s, failed) == EditField {
		n, _ := s.given[i].Value.(Number)
		edit.Unlock = n == 0
	}
	return edit, wanted || edit.Unlock
}

// take notes a changed field; false for one that the directory does not know.
func (e *accountEdit) take(c change) bool {
	t, _ := c.new.(Text)
	n, _ := c.new.(Number)
	text, number := string(t), int64(n)
	switch c.field.Key {
	case nameKey:
		e.Name = &text
	case emailKey:
		was, _ := c.old.(Text)
		e.Login, e.was = &text, string(was)
	case sessionsFromKey:
		at, _ := c.new.(Time)
		from := int64(at)
		e.SessionsFrom = &from
	case requestLimitKey:
		limit := int(number)
		e.RequestLimit = &limit
	case limitIntervalKey:
		e.RequestInterval = &number
	default:
		return false
	}
	return true
}

// enqueueAccounts changes the logins of employees whose accounts change and puts
// the messages into the outbox.
func (w *writing) enqueueAccounts(ctx context.Context, tx Writer) error {
	for i := range w.accounts {
		m := w.accounts[i] // a copy: the transaction may run twice
		if m.was != "" {
			if err := w.loginOfEmployee(ctx, tx, &m); err != nil {
				return err
			}
		}
		payload, err := json.Marshal(m.AccountMessage)
		if err != nil {
			return fmt.Errorf("encode account message: %w", err)
		}
		if err := tx.Enqueue(ctx, accountKind, payload); err != nil {
			return err
		}
	}
	return nil
}

// loginOfEmployee gives the employee with the account its new login, or takes
// the login of a removed account away. The directory learns it by the account's
// message, so that the account stays the employee's.
func (w *writing) loginOfEmployee(ctx context.Context, tx Writer, m *accountEdit) error {
	c := w.st.Catalog(Employees)
	email := c.FieldByKey(emailKey)
	found, err := w.withText(ctx, tx, email, m.was)
	if err != nil {
		return err
	}
	login := Value(nil)
	if m.Login != nil {
		login = Text(*m.Login)
		others, err := w.withText(ctx, tx, email, *m.Login)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(others.records(), func(r query.Record) bool { return !slices.Contains(found.records(), r) }) {
			return taken(w.st.Catalog(Accounts).FieldByKey(emailKey))
		}
	}
	for _, row := range found.rows {
		m.Employee = found.shown.page.Record(row)
		o := mirrored{record: m.Employee, values: map[string]Value{emailKey: login}, partly: true}
		if change := o.mutation(found.shown, row); change != nil {
			w.sign(change, email, found.shown.values(row), login)
			if err := tx.Write(ctx, []Mutation{*change}); err != nil {
				return err
			}
		}
	}
	if m.Delete && m.Employee != 0 {
		return w.s.keepsAdmin(ctx, tx)
	}
	return nil
}

// sign says who made a change of a field that follows one of the steps, and puts
// it into the history.
func (w *writing) sign(m *Mutation, f *Field, before []Value, after Value) {
	m.At = w.moment.Now
	m.Change.Actor, m.Change.Origin = w.actor.Employee, w.actor.Origin
	old := before[slices.Index(m.Catalog.Fields, f)]
	if f.History && m.Catalog.History {
		m.History = &HistoryRow{
			Catalog: m.Catalog.Num, Record: m.Record, At: m.At, Actor: w.actor.Employee, Kind: Updated,
			Payload: historyOf(f, old, after),
		}
	}
}

// carryOut tells the directory what somebody wants of an account. What it can
// never do is given up: the record shows the account as it is again.
func (s *Service) carryOut(ctx context.Context, m AccountMessage) error {
	err := s.options.Server.Accounts.Apply(ctx, m)
	if fault.Is(err, fault.Duplicate) || fault.Is(err, fault.ValidationFailed) {
		s.server.set(nil)
		s.options.Log.ErrorContext(ctx, "account.refused", "module", "EventHandler", "account", int64(m.Account), "error", err)
		return nil
	}
	return err
}

// auditAccounts notes what was asked of accounts.
func (w *writing) auditAccounts(ctx context.Context) {
	for _, m := range w.accounts {
		event := "account.changed"
		if m.Delete {
			event = "account.removed"
		}
		w.s.audit(ctx, w.actor, "Api:Record", event, "account", int64(m.Account))
	}
}
