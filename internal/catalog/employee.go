package catalog

import (
	"context"
	"errors"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// The system fields of the employees' catalog that decide their logins.
const (
	nameKey     = "$name"
	emailKey    = "$email"
	passwordKey = "$password"
)

// EmployeesAsk selects employees.
type EmployeesAsk struct {
	Search string // part of the name; "" for all
	IDs    []query.Key
	Limit  int // 0 for all
	Offset int
}

// Employees lists the employees by name. Every employee may call it; the rows
// have nothing but the title. It fails with InvalidParameter and LimitTooLarge,
// and with Forbidden for a token that is not for reading employees.
func (s *Service) Employees(ctx context.Context, a Actor, ask EmployeesAsk) (*Rows, error) {
	if !a.readsEmployees() {
		return nil, outOfScope()
	}
	if ask.Limit == 0 {
		ask.Limit = s.options.RecordsMax
	}
	if err := s.checkPage(ask.Limit, ask.Offset); err != nil {
		return nil, err
	}
	var rows *Rows
	err := s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		c := st.Catalog(Employees)
		rows = &Rows{Structure: st, Catalog: c, Fields: []*Field{}, Total: -1}
		d := &reading{service: s, st: st, access: access, r: r}
		var where query.Node
		if ask.IDs != nil {
			where = query.Among(ask.IDs)
		}
		selected := d.byTitle(c, where, ask.Search)
		selected.Columns, selected.Limit, selected.Offset = []*Field{c.Title()}, ask.Limit, ask.Offset
		if rows.Page, err = r.Select(ctx, selected); err != nil {
			return err
		}
		return d.maskTitles(ctx, rows)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// maskTitles hides the titles, column Title, that the actor may not see.
func (d *reading) maskTitles(ctx context.Context, rows *Rows) error {
	if d.access.titles(rows.Catalog) == nil {
		return nil
	}
	on, err := rightsOn(ctx, d.r, d.access, rows.Catalog, recordsOn(rows.Page))
	if err != nil {
		return err
	}
	for i := range rows.Page.Len() {
		if on.hides(rows.Catalog.Title(), rows.Page.Record(i)) {
			rows.Page.hide(i, rows.Title)
		}
	}
	return nil
}

// Employee gives the actor's own card with all readable fields; to a token that
// is not for reading employees, with its title only. It fails with NotFound for
// an actor who is no employee.
func (s *Service) Employee(ctx context.Context, a Actor) (*Rows, error) {
	if a.Employee == 0 {
		return nil, noRecord()
	}
	var rows *Rows
	err := s.view(ctx, func(st *Structure, r Reader) error {
		// Everybody may see who he is, whatever the rights on the catalog.
		access := &Access{structure: st}
		read := &reading{st: st, access: access, r: r}
		c := st.Catalog(Employees)
		sel := &Selection{All: true}
		if !a.readsEmployees() {
			sel = &Selection{Fields: []*Field{}}
		}
		rows = read.rows(c, sel)
		var err error
		rows.Page, err = r.Rows(ctx, c, rows.columns(), []query.Record{a.Employee})
		if err != nil {
			return err
		}
		if rows.Page.Len() == 0 {
			return noRecord()
		}
		return read.follow(ctx, rows, sel)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// isPassword tells whether the field takes an employee's password, which is
// never stored in the record.
func isPassword(f *Field) bool {
	return f.Catalog == Employees && f.Secret && f.Key == passwordKey
}

// employeeMessage is what the directory has to be told, and what the
// transaction has to make sure of before.
type employeeMessage struct {
	DirectoryMessage
	newLogin  bool // the login must be nobody else's
	withdrawn bool // the employee had a login; another one must be left
	kept      bool // the login must still be the employee's
}

// messages works out from the steps on employees what becomes of their logins.
// It hashes passwords, so it runs outside of any transaction.
func (p *planner) messages(ctx context.Context) ([]employeeMessage, error) {
	var list []employeeMessage
	for _, s := range p.steps {
		if s.subject.catalog.Num != Employees || s.kind == commentStep {
			continue
		}
		m, wanted := s.employeeMessage()
		m.Actor, m.Origin = p.actor.Employee, p.actor.Origin
		if m.newLogin {
			if err := p.checkLogin(s.subject.catalog, m.Login); err != nil {
				return nil, err
			}
		}
		if s.password != "" {
			if m.Login == "" {
				return nil, fault.Invalid([]fault.Detail{missing(s.subject.catalog.FieldByKey(emailKey))})
			}
			hash, err := p.s.options.Directory.HashPassword(ctx, s.password)
			if err != nil {
				return nil, refusal(err, s.subject.catalog.FieldByKey(passwordKey))
			}
			m.PasswordHash, wanted, m.kept = hash, true, !m.newLogin
		}
		if wanted {
			list = append(list, m)
		}
	}
	return list, nil
}

// checkLogin refuses a login that the directory could not carry out later.
func (p *planner) checkLogin(c *Catalog, login string) error {
	return refusal(p.s.options.Directory.CheckLogin(login), c.FieldByKey(emailKey))
}

// refusal turns a fault of the directory into one of the field that it is about.
func refusal(err error, f *Field) error {
	var refused *fault.Error
	if !errors.As(err, &refused) {
		return err
	}
	code, why := fault.Type, refused.Message
	if len(refused.Details) == 1 {
		code, why = refused.Details[0].Code, refused.Details[0].Message
	}
	return fault.Invalid([]fault.Detail{fault.Field(f.Key, code, "%s: %s", f.Name, why)})
}

// employeeMessage tells what a step makes of the employee's login, and whether
// the directory has to know.
func (s *step) employeeMessage() (m employeeMessage, wanted bool) {
	c := s.subject.catalog
	email, name := c.FieldByKey(emailKey), c.FieldByKey(nameKey)
	before := s.before(email)
	m.Employee, m.Name = s.subject.record, s.after(name)
	if s.kind != deleteStep {
		m.Login = s.after(email)
	}
	m.newLogin = m.Login != "" && m.Login != before
	m.withdrawn = before != "" && m.Login == ""
	m.Invite = m.newLogin && text.Fold(m.Login) != text.Fold(before)
	renamed := m.Login != "" && m.Name != s.before(name)
	return m, m.newLogin || m.withdrawn || renamed
}

// before is a text field's value before the step. (Steps on one employee in one
// plan are looked at when all are applied, so the changes know it, not the row.)
func (s *step) before(f *Field) string {
	for _, c := range s.changes {
		if c.field == f {
			t, _ := c.old.(Text)
			return string(t)
		}
	}
	return s.after(f)
}

func (s *step) after(f *Field) string {
	t, _ := s.result(f).(Text)
	return string(t)
}
