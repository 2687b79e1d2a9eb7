package adminapi

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxPasswordLine bounds what is read as a password, in bytes.
const maxPasswordLine = 4096

func defineUser(set *flag.FlagSet) func(words []string) (*Task, error) {
	name := set.String("name", "", "the `NAME` of the new employee; the login when it is left out")
	return func(words []string) (*Task, error) {
		switch {
		case len(words) == 0:
			return nil, usage("\"add\" or \"password\" is wanted")
		case words[0] != "add" && words[0] != "password":
			return nil, usage("%q is neither \"add\" nor \"password\"", words[0])
		case len(words) != 2:
			return nil, usage("one login is wanted")
		case words[0] == "password" && *name != "":
			return nil, usage("--name is for new employees")
		}
		add, login := words[0] == "add", words[1]
		return &Task{Password: true, Fresh: add, run: func(ctx context.Context, t Tools, c Call) error {
			password, err := readPassword(c.In)
			if err != nil {
				return err
			}
			if add {
				return addUser(ctx, t, c, login, *name, password)
			}
			return setPassword(ctx, t, c, login, password)
		}}, nil
	}
}

// readPassword reads a line, of which only the line break is left out.
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxPasswordLine+1)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if len(line) > maxPasswordLine {
		return "", errors.New("the password is too long")
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("the password is empty; it is the first line of the input")
	}
	return line, nil
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
	if fault.Is(err, fault.NotFound) {
		return fmt.Errorf("nobody signs in as %s", login)
	}
	if err != nil {
		return err
	}
	users, err := t.Catalog.Catalog(ctx, operator("cli"), "$users")
	if err != nil {
		return err
	}
	employee, ok := (&account.Principal{Links: a.Links}).Employee(t.Company)
	if !ok {
		return fault.New(fault.NotFound, "The account %s belongs to no company", login)
	}
	op := catalog.Update{
		Catalog: catalog.Employees,
		Record:  query.Key{Record: query.Record(employee)},
		Values:  []catalog.FieldValue{{Field: users.Catalog.FieldByKey("$password").Num, Value: catalog.Text(password)}},
	}
	if _, err := t.Catalog.Apply(ctx, operator("cli"), []catalog.Op{op}, nil); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "The password of %s is changed; all sessions ended\n", login)
	return nil
}
