package adminapi

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxPasswordLine bounds what is read as a password.
const maxPasswordLine = 4096

func runUser(ctx context.Context, t Tools, c Call) error {
	set := flag.NewFlagSet("user", flag.ContinueOnError)
	name := set.String("name", "", "the employee's name; the login when it is left out")
	words, err := parse(c, set, "user add|password LOGIN [--name NAME]", 2, 2)
	if err != nil {
		return err
	}
	password, err := readLine(c.In)
	if err != nil {
		return err
	}
	switch words[0] {
	case "add":
		return addUser(ctx, t, c, words[1], *name, password)
	case "password":
		return setPassword(ctx, t, c, words[1], password)
	}
	set.Usage()
	return ErrUsage
}

func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxPasswordLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// addUser makes an employee with a login, as an administrator would.
func addUser(ctx context.Context, t Tools, c Call, login, name, password string) error {
	users, err := t.Catalog.Catalog(ctx, operator("cli"), "$users")
	if err != nil {
		return err
	}
	if name == "" {
		name = login
	}
	op := catalog.Create{Catalog: catalog.Employees, Values: []catalog.FieldValue{
		{Field: users.Catalog.FieldByKey("$name").Num, Value: catalog.Text(name)},
		{Field: users.Catalog.FieldByKey("$email").Num, Value: catalog.Text(login)},
		{Field: users.Catalog.FieldByKey("$password").Num, Value: catalog.Text(password)},
	}}
	done, err := t.Catalog.Apply(ctx, operator("cli"), []catalog.Op{op}, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "Employee %d can sign in as %s\n", done[0].Record, login)
	return nil
}

// setPassword replaces the password of an employee, found by login.
func setPassword(ctx context.Context, t Tools, c Call, login, password string) error {
	a, err := t.Accounts.AccountByLogin(ctx, login)
	if err != nil {
		return err
	}
	users, err := t.Catalog.Catalog(ctx, operator("cli"), "$users")
	if err != nil {
		return err
	}
	if len(a.Links) == 0 {
		return fault.New(fault.NotFound, "The account %s belongs to no company", login)
	}
	op := catalog.Update{
		Catalog: catalog.Employees,
		Record:  query.Key{Record: query.Record(a.Links[0].Employee)},
		Values:  []catalog.FieldValue{{Field: users.Catalog.FieldByKey("$password").Num, Value: catalog.Text(password)}},
	}
	if _, err := t.Catalog.Apply(ctx, operator("cli"), []catalog.Op{op}, nil); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "The password of %s is changed; all sessions ended\n", login)
	return nil
}
