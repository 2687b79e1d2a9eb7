package catalog

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/mail"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// invitesCatalog has the invitations: a record is one, and ends it when it is
// deleted.
const invitesCatalog query.Catalog = 18

// Its fields.
const (
	companyIDKey     = "$companyId"
	companyUserIDKey = "$companyUserId"
	hashKey          = "$hash"
)

// systemOrigin is the origin of what the system writes by itself.
const systemOrigin = "system"

// inviteMark begins the token of an invitation; its record's number, a dot and 130
// random bits follow.
const inviteMark = "i"

// Invitation is what a token stands for.
type Invitation struct {
	Login string
	// Company is where the person is to work, as which Employee; 0 for somebody
	// who is to found one.
	Company  account.CompanyID
	Employee query.Record
	record   query.Record
}

// inviteCode is the custom id of an employee's invitation: there is one at most.
func (s *Service) inviteCode(employee query.Record) string {
	return fmt.Sprintf("company-%d-user-%d", s.options.Company, employee)
}

// settle strikes a message off that the directory has carried out, together with
// what follows from it: the employee's invitation is made, replaced or withdrawn,
// and the letter about it is queued.
func (s *Service) settle(ctx context.Context, id int64, m DirectoryMessage, standing account.Standing) error {
	for range maxTries {
		err := s.trySettle(ctx, id, m, standing)
		switch {
		case fault.Is(err, fault.NotFound) || fault.Is(err, fault.DuplicateID):
			continue // another node works on the same message, or it was withdrawn just now
		case fault.Is(err, fault.ValidationFailed):
			// Fields of the operator's own in the catalog forbid it.
			s.options.Log.ErrorContext(ctx, "invitation.refused", "module", "Register", "employee", int64(m.Employee), "error", err)
			_, err = s.strikeOff(ctx, id)
		}
		if err == nil {
			s.wakeLetters()
		}
		return unless(err, errSettled)
	}
	return errors.New("the employee's invitations keep changing")
}

// errSettled ends the transaction of a message that another node has settled.
var errSettled = errors.New("the message was settled by another node")

func (s *Service) trySettle(ctx context.Context, id int64, m DirectoryMessage, standing account.Standing) error {
	invited := m.Invite && m.Login != "" && !standing.SignsIn
	var ops []Op
	if m.Login == "" || m.Invite || standing.SignsIn {
		old, err := s.employeesInvite(ctx, m.Employee)
		if err != nil {
			return err
		}
		if old != 0 {
			ops = append(ops, Delete{Catalog: invitesCatalog, Record: query.Key{Record: old}})
		}
	}
	token := ""
	if invited {
		create, err := s.newInvite(ctx, m.Login, s.options.Company, m.Employee)
		if err != nil {
			return err
		}
		token, ops = create.token, append(ops, create.op)
	}
	inviter, err := s.employeeName(ctx, m.Actor)
	if err != nil {
		return err
	}
	finish := func(w Writer, _ []Outcome) error {
		if done, err := w.Done(ctx, id); err != nil || !done {
			return cmp.Or(err, errSettled)
		}
		values := mail.Values{"inviter": inviter, "inviteUser": m.Name, "inviteEmail": m.Login}
		switch {
		case invited:
			values["loginLink"] = s.link(setPassPath + token)
			return s.queueLetter(ctx, w, mail.InviteNew, m.Login, values)
		case m.Invite && standing.Known:
			values["loginLink"] = s.link(loginPath)
			return s.queueLetter(ctx, w, mail.InviteRegistered, m.Login, values)
		}
		return nil
	}
	if len(ops) == 0 {
		return s.update(ctx, Interactive, nil, func(_ *Structure, w Writer) error { return finish(w, nil) })
	}
	_, err = s.Apply(ctx, Actor{System: true, Origin: systemOrigin}, ops, finish)
	return err
}

// employeesInvite gives the record of an employee's invitation, 0 for none.
func (s *Service) employeesInvite(ctx context.Context, employee query.Record) (n query.Record, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		n, err = r.Find(ctx, st.Catalog(invitesCatalog), s.inviteCode(employee))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for an invitation: %w", err)
	}
	return n, nil
}

// madeInvite is a new invitation before it is stored.
type madeInvite struct {
	op    Create
	token string
}

// newInvite makes an invitation; company and employee are 0 for one to found a
// company.
func (s *Service) newInvite(ctx context.Context, login string, company account.CompanyID, employee query.Record) (made madeInvite, err error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return made, err
	}
	c := st.Catalog(invitesCatalog)
	n, err := s.store.Reserve(ctx, c.Num, 1)
	if err != nil {
		return made, fmt.Errorf("reserve a record number: %w", err)
	}
	made.token = inviteMark + strconv.FormatInt(int64(n), 10) + "." + rand.Text()
	made.op = Create{Catalog: c.Num, Reserved: n, Values: []FieldValue{
		{c.FieldByKey(emailKey).Num, Text(login)},
		{c.FieldByKey(hashKey).Num, Text(made.token)},
	}}
	if employee != 0 {
		made.op.Code = s.inviteCode(employee)
		made.op.Values = append(made.op.Values,
			FieldValue{c.FieldByKey(companyIDKey).Num, Text(strconv.FormatInt(int64(company), 10))},
			FieldValue{c.FieldByKey(companyUserIDKey).Num, Text(strconv.FormatInt(int64(employee), 10))})
	}
	return made, nil
}

// employeeName is how an employee is called; "" for none.
func (s *Service) employeeName(ctx context.Context, n query.Record) (name string, err error) {
	if n == 0 {
		return "", nil
	}
	err = s.view(ctx, func(_ *Structure, r Reader) error {
		titles, err := r.Titles(ctx, []query.Ref{query.MakeRef(Employees, n)})
		name = titles[query.MakeRef(Employees, n)].Text
		return err
	})
	return name, err
}

// Invitation reads what a token stands for. It fails with account.ErrDeadLink for
// every token that does not work, whatever the reason.
func (s *Service) Invitation(ctx context.Context, token string) (i Invitation, err error) {
	number, _, ok := strings.Cut(strings.TrimPrefix(token, inviteMark), ".")
	n, numberErr := strconv.ParseInt(number, 10, 64)
	if !ok || !strings.HasPrefix(token, inviteMark) || numberErr != nil || n <= 0 || query.Record(n) > query.MaxRecord {
		return i, account.ErrDeadLink()
	}
	err = s.view(ctx, func(st *Structure, r Reader) error {
		c := st.Catalog(invitesCatalog)
		keys := []string{hashKey, emailKey, companyIDKey, companyUserIDKey}
		columns := make([]*Field, len(keys))
		for j, key := range keys {
			columns[j] = c.FieldByKey(key)
		}
		page, err := r.Rows(ctx, c, columns, []query.Record{query.Record(n)})
		if err != nil {
			return err
		}
		if page.Len() == 0 {
			return account.ErrDeadLink()
		}
		get := func(j int) []byte { return page.Bytes(page.Cell(0, j)) }
		if subtle.ConstantTimeCompare(get(0), []byte(token)) != 1 {
			return account.ErrDeadLink()
		}
		// An invitation to found a company has no numbers.
		company, _ := strconv.ParseInt(string(get(2)), 10, 64)
		employee, _ := strconv.ParseInt(string(get(3)), 10, 64)
		i = Invitation{Login: string(get(1)), Company: account.CompanyID(company), Employee: query.Record(employee), record: query.Record(n)}
		return nil
	})
	return i, err
}

// invitesOf reads all invitations of a login.
func (s *Service) invitesOf(ctx context.Context, login string) (list []Invitation, err error) {
	fold := text.Fold(login)
	err = s.view(ctx, func(st *Structure, r Reader) error {
		list = nil
		c := st.Catalog(invitesCatalog)
		email, company := c.FieldByKey(emailKey), c.FieldByKey(companyIDKey)
		page, err := r.Select(ctx, &Selected{
			Structure: st, Catalog: c, Columns: []*Field{email, company}, Limit: s.options.RecordsMax,
			Where: query.Cond{Field: email.Num, Test: query.Substring{Fold: fold}},
		})
		if err != nil {
			return err
		}
		for i := range page.Len() {
			if text.Fold(string(page.Bytes(page.Cell(i, 0)))) == fold {
				number, _ := strconv.ParseInt(string(page.Bytes(page.Cell(i, 1))), 10, 64)
				list = append(list, Invitation{Company: account.CompanyID(number), record: page.Record(i)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for invitations: %w", err)
	}
	return list, nil
}

// withdraw is the operation that ends an invitation.
func (i Invitation) withdraw() Op {
	return Delete{Catalog: invitesCatalog, Record: query.Key{Record: i.record}}
}

// Accept carries an invitation into this company out: its employee gets the
// password, and all invitations of the login end. It works once. It fails with
// account.ErrDeadLink, with NoCompany for an invitation to found a company, and with
// ValidationFailed for a bad password, after which the token still works.
func (s *Service) Accept(ctx context.Context, token, password string) (Invitation, error) {
	i, err := s.Invitation(ctx, token)
	if err != nil {
		return i, err
	}
	if i.Company != s.options.Company {
		return i, fault.New(fault.NoCompany, "the invitation is to found a company, and this server has one company only")
	}
	others, err := s.invitesOf(ctx, i.Login)
	if err != nil {
		return i, err
	}
	st, err := s.Structure(ctx)
	if err != nil {
		return i, err
	}
	ops := []Op{i.withdraw()}
	for _, other := range others {
		if other.record != i.record {
			ops = append(ops, other.withdraw())
		}
	}
	set := []FieldValue{{st.Catalog(Employees).FieldByKey(passwordKey).Num, Text(password)}}
	ops = append(ops, Update{Catalog: Employees, Record: query.Key{Record: i.Employee}, Values: set})
	_, err = s.Apply(ctx, Actor{System: true, Origin: inviteOrigin}, ops, func(w Writer, _ []Outcome) error {
		if same, err := s.hasLogin(ctx, w, i.Employee, i.Login); err != nil || !same {
			return cmp.Or(err, account.ErrDeadLink())
		}
		return s.queueLetter(ctx, w, mail.RegisterComplete, i.Login, mail.Values{"inviteEmail": i.Login})
	})
	if fault.Is(err, fault.NotFound) {
		return i, account.ErrDeadLink() // somebody else was faster
	}
	if err == nil {
		s.wakeLetters()
	}
	return i, err
}

// inviteOrigin is the origin of what somebody does by an invitation.
const inviteOrigin = "invitation"

// hasLogin tells whether, as the transaction leaves it, an employee is there and
// has a login, in whatever case.
func (s *Service) hasLogin(ctx context.Context, w Writer, employee query.Record, login string) (bool, error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return false, err
	}
	c := st.Catalog(Employees)
	page, err := w.Rows(ctx, c, []*Field{c.FieldByKey(emailKey)}, []query.Record{employee})
	if err != nil {
		return false, fmt.Errorf("read the employee's login: %w", err)
	}
	return page.Len() == 1 && text.Fold(string(page.Bytes(page.Cell(0, 0)))) == text.Fold(login), nil
}

// Founder is somebody who is invited to found a company.
type Founder struct{ Name, Email string }

// InviteFounder invites somebody to found a company, in place of an earlier
// invitation of the same kind. Administrators of the server may. It fails with
// Forbidden and, for a bad address, ValidationFailed.
func (s *Service) InviteFounder(ctx context.Context, a Actor, f Founder) error {
	if err := s.AdministersServer(ctx, a); err != nil {
		return err
	}
	f.Email = strings.TrimSpace(f.Email)
	if !mail.IsAddress(f.Email) {
		return fault.Invalid([]fault.Detail{fault.At("email", fault.Type, "it is not an e-mail address")})
	}
	old, err := s.invitesOf(ctx, f.Email)
	if err != nil {
		return err
	}
	made, err := s.newInvite(ctx, f.Email, 0, 0)
	if err != nil {
		return err
	}
	var ops []Op
	for _, i := range old {
		if i.Company == 0 {
			ops = append(ops, i.withdraw())
		}
	}
	_, err = s.Apply(ctx, Actor{System: true, Origin: systemOrigin}, append(ops, made.op), func(w Writer, _ []Outcome) error {
		return s.queueLetter(ctx, w, mail.InviteToRegister, f.Email, mail.Values{
			"inviteUser": f.Name, "inviteEmail": f.Email, "registerLink": s.link(registerPath + made.token),
		})
	})
	if err == nil {
		s.wakeLetters()
	}
	return err
}

// AdministersServer fails with Forbidden for everybody but administrators of the
// server's section.
func (s *Service) AdministersServer(ctx context.Context, a Actor) error {
	info, err := s.Section(ctx, a, systemKey)
	if err == nil && info.Privilege < AdminPrivilege || fault.Is(err, fault.NotFound) {
		return forbidden()
	}
	return err
}
