package adminapi_test

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/adminapi"
)

func TestArguments(t *testing.T) {
	for _, c := range []struct {
		args, want string // want: the canonical arguments, or a part of the error
	}{
		{"import a.csv --section=S", "--section=S -- a.csv"},
		{"import --section S a.csv", "--section=S -- a.csv"},
		{"import --data d -section S a.csv --catalog C --data=e", "--catalog=C --section=S -- a.csv"},
		{"import --section S --catalog C -", "--catalog=C --section=S -- -"},
		{"import --section S -- --odd.csv", "--section=S -- --odd.csv"},
		{"import --section S --type a=number --type b=date x", "--section=S --type=a=number\nb=date -- x"},
		{"import", "one file is wanted"},
		{"import a b --section S", "one file is wanted"},
		{"import a", "--section is required"},
		{"import - --section S", "--catalog is required"},
		{"import a --section S --format xls", "--format must be"},
		{"import a --section S --type a", "COLUMN=TYPE"},
		{"import a --section S --type a=money", "not \"money\""},
		{"import a --section", "flag needs an argument"},
		{"import a --nonsense", "not defined: -nonsense"},
		{"user add bob --name Bob", "--name=Bob -- add bob"},
		{"user password bob", "-- password bob"},
		{"user", "is wanted"},
		{"user remove bob", "neither"},
		{"user add", "one login"},
		{"user add bob ann", "one login"},
		{"user password bob --name B", "new employees"},
		{"check", "--"},
		{"check all", "unexpected argument \"all\""},
		{"indexes", "--"},
		{"indexes add 5 1,2", "-- add 5 1,2"},
		{"indexes add 5", "wants the id"},
		{"indexes drop 5 1", "is not \"add\""},
		{"rights 7 orders", "-- 7 orders"},
		{"rights anna 5/3 --field 2", "--field=2 -- anna 5/3"},
		{"rights anna", "are wanted"},
		{"report orders --axis status --value sum:amount --split month", "--axis=status --split=month --value=sum:amount -- orders"},
		{"report 25 --timezone -90 --limit 5 --sort value:asc", "--limit=5 --sort=value:asc --timezone=-90 -- 25"},
		{"report 25 --value avg:timeIn:status --as anna --format csv --width 60", "--as=anna --format=csv --value=avg:timeIn:status --width=60 -- 25"},
		{"report", "one catalog"},
		{"report 25 26", "one catalog"},
		{"report 25 --format pie", "--format must be"},
		{"report 25 --value sum", "neither count nor"},
		{"report 25 --value sum:", "neither count nor"},
		{"report 25 --value median:amount", "no function \"median\""},
		{"report 25 --sort up", "--sort must be"},
		{"report 25 --sort axis:up", "--sort must be"},
		{"report 25 --limit 0", "--limit must be"},
		{"report 25 --limit 1001", "--limit must be"},
		{"report 25 --limit many", "invalid value"},
		{"report 25 --split-limit 101", "--split-limit must be"},
		{"report 25 --offset -1", "--offset must be"},
		{"report 25 --width 19", "--width must be"},
		{"report 25 --timezone Mars/Base", "no time zone"},
		{"report 25 --timezone 900", "from -720 to 840"},
		{"undelete catalog 5", "-- catalog 5"},
		{"undelete field 5 2", "-- field 5 2"},
		{"undelete", "what is to come back"},
		{"undelete record 5", "no section, catalog or field"},
		{"undelete field 5", "catalog and of the field"},
		{"sync resume", "-- resume"},
		{"sync", "pause, resume, export, import or reseal"},
		{"sync resume now", "pause, resume, export, import or reseal"}, {"sync reseal", "-- reseal"}, {"sync reseal now", "unexpected argument"},
		{"sync export now", "unexpected argument"},
		{"sync import", "needs a FILE"},
		{"jobs hook", "unexpected argument"},
		{"undelete catalog 5 6", "the id of the catalog is wanted"},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			task, err := prepare(args...)
			if err != nil {
				if !errors.Is(err, adminapi.ErrUsage) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %q, not %q", err, c.want)
				}
				return
			}
			if got := strings.Join(task.Args, " "); got != c.want {
				t.Fatalf("arguments %q, not %q", got, c.want)
			}
			again, err := prepare(append(args[:1:1], task.Args...)...)
			if err != nil || !slices.Equal(again.Args, task.Args) || again.File != task.File || again.Password != task.Password {
				t.Errorf("the canonical arguments make %+v, %v", again, err)
			}
		})
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	for _, op := range adminapi.Operations() {
		for _, args := range [][]string{{op.Name, "--help"}, {op.Name, "x", "-h"}} {
			if _, err := prepare(args...); !errors.Is(err, flag.ErrHelp) {
				t.Errorf("%v: %v", args, err)
			}
		}
	}
}
