package store

import "testing"

func TestIdentity(t *testing.T) {
	for _, c := range []struct {
		kept, now string
		differs   bool
	}{
		{"", "", false},
		{"", "born=5.1", false}, // of an older program
		{"born=5.1", "born=5.1", false},
		{"born=5.1", "born=5.2", true},
		{"born=5.1", "", false}, // a file system that does not tell
		{"system=7 database=1 schema=2", "system=7 database=1 schema=2", false},
		{"system=7 database=1 schema=2", "system=8 database=1 schema=2", true},
		{"system=7 database=1 schema=2", "system=7 database=3 schema=2", true},
		{"system=7 database=1 schema=2", "system=7 database=1 schema=4", true},
		{"system=7 database=1 schema=2", "database=1 schema=2", false}, // a role that may not ask
		{"born=5.1", "system=7 database=1 schema=2", false},
	} {
		kept, now := ParseIdentity(c.kept), ParseIdentity(c.now)
		if kept.Differs(now) != c.differs || now.Differs(kept) != c.differs || now.Text() != c.now {
			t.Errorf("%q and %q (%q): differs %v", c.kept, c.now, now.Text(), kept.Differs(now))
		}
	}
}
