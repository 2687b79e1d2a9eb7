package blob

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestKeyName(t *testing.T) {
	for name, want := range map[string]string{
		"plan v2.pdf":                   "plan v2.pdf",
		"":                              "file",
		"..":                            "file",
		"../../etc/passwd":              "_.._etc_passwd",
		`..\..\boot.ini`:                `_.._boot.ini`,
		"a\x00b.txt":                    "ab.txt",
		"\u202Egnp.exe":                 "gnp.exe",
		" . hidden . ":                  "hidden",
		"CON.txt":                       "_CON.txt",
		"e\u200d\u0301.txt":             "é.txt",
		"\xff.txt":                      "_.txt",
		"a\nb\tc":                       "a b c",
		"план.docx":                     "план.docx",
		strings.Repeat("x", 300):        strings.Repeat("x", 150),
		strings.Repeat("ї", 300):        strings.Repeat("ї", 75),
		"<script>alert(1)</script>.svg": "_script_alert(1)__script_.svg",
	} {
		if got := KeyName(name); got != want {
			t.Errorf("%q gives %q, not %q", name, got, want)
		}
	}
	if got := KeyName(strings.Repeat("ї", 300) + ".pdf"); !strings.HasSuffix(got, "ї.pdf") || len(got) > 150 {
		t.Errorf("a long name gives %q", got)
	}
}

func TestValidKey(t *testing.T) {
	const id = "0b2e4c1e-0000-4000-8000-0123456789ab"
	for key, want := range map[string]bool{
		NewKey(1, "plan.pdf"):             true,
		NewKey(1, "../x"):                 true,
		NewKey(1, "Preview.png"):          true,
		"1/" + id + "/a.txt":              true,
		"0/" + id + "/a.txt":              false,
		"1/" + id + "/../a.txt":           false,
		"1/" + id + "/..":                 false,
		"1/" + id + "/a/b":                false,
		"1/" + id + "/":                   false,
		"1/" + id + "/a\x00":              false,
		"1/" + id + "/\u202Ea":            false,
		"/1/" + id + "/a.txt":             false,
		"1/" + strings.ToUpper(id) + "/a": false,
		"../" + id + "/a.txt":             false,
		"arriving/" + id + "/a":           false,
		"":                                false,
	} {
		if got := ValidKey(key); got != want {
			t.Errorf("%q: %v", key, got)
		}
	}
	if key := NewKey(1, "preview.PNG"); strings.HasSuffix(key, "/preview.PNG") {
		t.Errorf("%s is where the preview lies", key)
	}
	if a, b := NewKey(1, "a"), NewKey(1, "a"); a == b {
		t.Error("two files have one key")
	}
}

func TestCleanTitle(t *testing.T) {
	for title, want := range map[string]string{
		"plan\u202Efdp.exe": "planfdp.exe", "a\x00\nb": "ab", "👩\u200d🚀.png": "👩\u200d🚀.png", " x ": "x", "\u2066\u2069": "",
	} {
		if got := CleanTitle(title); got != want {
			t.Errorf("%q gives %q, not %q", title, got, want)
		}
	}
}

// FuzzKeyName: whatever the name, a key made of it is valid and short.
func FuzzKeyName(f *testing.F) {
	for _, seed := range []string{"", "a.txt", "..", "CON", "e\u200d\u0301", "\xff\xfe", strings.Repeat("a.", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := KeyName(name)
		if again := KeyName(got); again != got || len(got) > maxName+1 || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00") {
			t.Errorf("%q gives %q, which gives %q", name, got, again)
		}
		if key := NewKey(1, name); !ValidKey(key) {
			t.Errorf("%q gives the key %q", name, key)
		}
	})
}
