package repotest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// needles say on which machine, from which mirror or by what something was
// made. They are put together here so that this file does not contain them.
var needles = []string{
	"/wor" + "k/", "/far" + "m/", "/tmp/" + "k/", "/roo" + "t/",
	"registry.npm" + "js", "npmjs" + ".org", "proxy.go" + "lang", "sum.go" + "lang", "deb.deb" + "ian",
	"clau" + "de", "anthro" + "pic", "chat" + "gpt", "open" + "ai", "co" + "pilot", "language " + "model",
}

// A needle counts where a path or word begins: docs/working is no machine's path.
var words = regexp.MustCompile(`(^|[^\w.])(` + strings.Join(quoted(needles), "|") + `)`)

func quoted(texts []string) []string {
	all := slices.Clone(texts)
	for i, s := range all {
		all[i] = regexp.QuoteMeta(s)
	}
	return all
}

func TestWords(t *testing.T) {
	for name := range strings.SplitSeq(command(t, "git", "ls-files", "-z"), "\x00") {
		if name == "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(data, 0) >= 0 {
			continue // not text
		}
		data = bytes.ToLower(data)
		// Looking for plain text first is what keeps this fast.
		if !slices.ContainsFunc(needles, func(n string) bool { return bytes.Contains(data, []byte(n)) }) {
			continue
		}
		number := 0
		for line := range bytes.Lines(data) {
			number++
			if m := words.Find(line); m != nil {
				t.Errorf("%s:%d mentions %q", name, number, m)
			}
		}
	}
}
