package adminapi_test

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"kartoteka/internal/account"
	"kartoteka/internal/adminapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

func signIn(t *testing.T, tools adminapi.Tools, login, password string) (*account.Principal, error) {
	t.Helper()
	return tools.Accounts.SignIn(t.Context(), account.Credentials{Login: login, Password: password, IP: netip.MustParseAddr("127.0.0.1"), Way: account.WayForm})
}

func TestUser(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newTools(t, target)
		must(t, tools, "first word\r\nignored\n", "user", "add", "bob@example.com", "--name", "Bob")
		session, err := signIn(t, tools, "bob@example.com", "first word")
		if err != nil {
			t.Fatal(err)
		}
		must(t, tools, "second word", "user", "password", "bob@example.com")
		if _, err := tools.Accounts.Session(t.Context(), session.Cookie); err == nil {
			t.Error("an old session lives")
		}
		if _, err := signIn(t, tools, "bob@example.com", "second word"); err != nil {
			t.Error(err)
		}
		if _, err := signIn(t, tools, "bob@example.com", "first word"); err == nil {
			t.Error("the old password is taken")
		}
		for _, c := range []struct{ name, in, args, want string }{
			{"twice", "word number 3", "user add bob@example.com", ""},
			{"nobody", "word number 3", "user password ann@example.com", "nobody signs in as ann@example.com"},
			{"no password", "\n", "user add ann@example.com", "empty"},
			{"no input", "", "user password bob@example.com", "empty"},
			{"a book", strings.Repeat("x", 5000), "user add ann@example.com", "too long"},
		} {
			if out, err := run(t, tools, c.in, strings.Fields(c.args)...); err == nil || !strings.Contains(adminapi.Explain(err), c.want) {
				t.Errorf("%s: %v %s", c.name, err, out)
			}
		}
	})
}

func TestCheckDamaged(t *testing.T) {
	tools := newTools(t, testdb.SQLite(t))
	tools.Check = func(context.Context) ([]string, error) { return []string{"one", "two"}, nil }
	out, err := run(t, tools, "", "check")
	if !errors.Is(err, adminapi.ErrDamaged) || out != "one\ntwo\n" {
		t.Errorf("%v %q", err, out)
	}
}

func TestIndexesAndUndelete(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		tools := newTools(t, target)
		ctx := t.Context()
		if out := must(t, tools, "", "indexes"); out != "There are no indexes yet\n" {
			t.Error(out)
		}
		must(t, tools, "Name,Number\na,1\nb,2\n", "import", "-", "--section", "S", "--catalog", "C")
		c := imported(t, tools, "C").Catalog
		name, number := c.Fields[0], c.Fields[1]
		must(t, tools, "", "indexes", "add", c.Key, name.Key+","+number.Key)
		must(t, tools, "", "indexes", "add", c.Key, "$updatedTime")
		out := must(t, tools, "", "indexes")
		for _, line := range []string{
			name.Key + ` Name, ` + number.Key + ` Number +operator +0 +- +\d+ kB +i_\d+_\d+_\d+\n`,
			`\$updatedTime +operator +0 +- +\d+ kB +i_\d+_updated\n`,
		} {
			if !regexp.MustCompile(c.Key + ` C +` + line).MatchString(out) {
				t.Errorf("no %s in\n%s", line, out)
			}
		}
		for _, bad := range []string{"nothing", number.Key + "," + number.Key, "$id"} {
			if _, err := run(t, tools, "", "indexes", "add", c.Key, bad); err == nil {
				t.Errorf("an index over %s", bad)
			}
		}
		only := []catalog.FieldInput{{Path: "fields[0]", Num: name.Num}}
		if _, err := tools.Catalog.UpdateCatalog(ctx, boss, c.Key, catalog.CatalogInput{Fields: only}); err != nil {
			t.Fatal(err)
		}
		must(t, tools, "", "undelete", "field", c.Key, number.Key)
		if got := cell(imported(t, tools, "C"), 1, "Number"); got != "2" {
			t.Errorf("the value came back as %s", got)
		}
		if err := tools.Catalog.DeleteCatalog(ctx, boss, c.Key); err != nil {
			t.Fatal(err)
		}
		must(t, tools, "", "undelete", "catalog", c.Key)
		if n := imported(t, tools, "C").Page.Len(); n != 2 {
			t.Errorf("%d records", n)
		}
		if _, err := run(t, tools, "", "undelete", "catalog", c.Key); err == nil {
			t.Error("what is there came back")
		}
	})
}
