package apisync

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// Passwords makes and checks slow hashes; account.Service does.
type Passwords interface {
	HashSecret(ctx context.Context, password string) (string, error)
	SecretMatches(ctx context.Context, password, hash string) (bool, error)
}

const (
	quickPrefix = "sha256$"
	// quickFrom is how many characters a key has that needs no slow hash.
	quickFrom = 16
	// secretMost is the most bytes of a secret.
	secretMost = 4 << 10
	// hashWait bounds how long a request waits for its turn to hash.
	hashWait = 10 * time.Second
)

// shownSecret is what the admin API tells of a secret.
type shownSecret struct {
	Set       bool       `json:"set"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
	// Value is there once: in the answer of the call that made it.
	Value string `json:"value,omitempty"`
}

// shownTo hides a secret from the admin API's JSON but for value.
func (s Secret) shownTo(value string) Secret {
	shown := &shownSecret{Set: s.Set(), Value: value}
	if s.Set() && !s.UpdatedAt.IsZero() {
		at := s.UpdatedAt
		shown.UpdatedAt = &at
	}
	return Secret{shown: shown}
}

// MarshalJSON gives the stored form, or that of the admin API.
func (s Secret) MarshalJSON() ([]byte, error) {
	if s.shown != nil {
		return json.Marshal(s.shown)
	}
	type plain Secret
	return json.Marshal(plain(s))
}

// givenSecret is what a document says of a secret; the zero value leaves it.
type givenSecret struct {
	text    *string
	clear   bool
	missing bool // it has the name of a secret that there is not
}

// takeSecret takes a secret out of a document: a text sets it, null clears it, and its
// shown form leaves it as it is.
func takeSecret(doc Doc, key string) (given givenSecret, ok bool) {
	v, there := doc[key]
	delete(doc, key)
	if !there {
		return given, true
	}
	switch v := v.(type) {
	case nil:
		return givenSecret{clear: true}, true
	case string:
		return givenSecret{text: &v}, true
	case Doc:
		_, ok := v["set"].(bool)
		return given, ok
	}
	return given, false
}

// generate makes a secret that nobody can guess.
func generate() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// hashSecret makes what is stored of a secret that is only compared: long keys have a
// quick hash, passwords that people choose a slow one.
func (s *Service) hashSecret(ctx context.Context, text string, slow bool) (Secret, error) {
	now := s.options.Now().UTC().Truncate(time.Second)
	if !slow && utf8.RuneCountInString(text) >= quickFrom {
		sum := sha256.Sum256([]byte(text))
		return Secret{Hash: quickPrefix + hex.EncodeToString(sum[:]), UpdatedAt: now}, nil
	}
	hash, err := s.options.Passwords.HashSecret(ctx, text)
	if err != nil {
		return Secret{}, err
	}
	return Secret{Hash: strings.TrimPrefix(hash, "$"), UpdatedAt: now}, nil
}

// Matches tells, in a time that does not depend on where they differ, whether a secret
// is the given one. Of a secret that was never set it says no, after the same work as
// for a password.
func (s *Service) Matches(sec Secret, given string) bool {
	if quick, ok := strings.CutPrefix(sec.Hash, quickPrefix); ok {
		sum := sha256.Sum256([]byte(given))
		return subtle.ConstantTimeCompare([]byte(quick), []byte(hex.EncodeToString(sum[:]))) == 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), hashWait)
	defer cancel()
	hash := sec.Hash
	if hash != "" {
		hash = "$" + hash
	}
	if len(given) > secretMost {
		return false
	}
	if s.verified.knows(hash, given, s.options.Now()) {
		return true
	}
	ok, err := s.options.Passwords.SecretMatches(ctx, given, hash)
	if err != nil {
		s.options.Log.ErrorContext(ctx, "sync.secret", "module", "Sync", "error", err)
		return false
	}
	if ok {
		s.verified.note(hash, given, s.options.Now())
	}
	return ok
}

// place is what a sealed secret belongs to.
func place(resource int64, field string) string { return fmt.Sprintf("%d %s", resource, field) }

func credentialField(id int64) string { return fmt.Sprintf("credential %d", id) }
func namedField(name string) string   { return "secret " + name }

// OpenCredential gives the secret of an hmac credential: that of now, and the one
// before a rotation while it is valid, "" for none.
func (s *Service) OpenCredential(c *Config, cr *Credential) (now, old string, err error) {
	if cr.Secret.Sealed != "" {
		if now, err = s.options.Sealer.Open(cr.Secret.Sealed, place(c.ID, credentialField(cr.ID))); err != nil {
			return "", "", err
		}
	}
	if cr.Old.Sealed != "" && cr.OldUntil != nil && s.options.Now().Before(*cr.OldUntil) {
		old, err = s.options.Sealer.Open(cr.Old.Sealed, place(c.ID, credentialField(cr.ID)))
	}
	return now, old, err
}

// Secret gives a named secret: false when there is none, or its key is lost.
func (st *State) Secret(name string) (string, bool) {
	sec, ok := st.Settings.Secrets[name]
	if !ok || sec.Sealed == "" || st.sealer == nil {
		return "", false
	}
	text, err := st.sealer.Open(sec.Sealed, place(0, namedField(name)))
	return text, err == nil
}

// Expand puts named secrets into a text in place of ${secret:name}.
func (st *State) Expand(text string) (string, *Error) {
	before, rest, ok := strings.Cut(text, "${secret:")
	name, after, closed := strings.Cut(rest, "}")
	if !ok || !closed {
		return text, nil
	}
	value, ok := st.Secret(name)
	if !ok {
		return "", Refuse(500, "CONFIG_ERROR", "there is no secret %s", name)
	}
	expanded, err := st.Expand(after)
	return before + value + expanded, err
}

// secretNames lists the secrets that a text names.
func secretNames(text string) (names []string) {
	for {
		_, rest, ok := strings.Cut(text, "${secret:")
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return names
		}
		names, text = append(names, name), after
	}
}

// checkSecret says what is wrong with a secret that somebody chose.
func (k *checking) checkSecret(path, text string, least int) {
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		k.fail(path, fault.Min, "a secret of this kind has at least %d characters", least)
	case len(text) > secretMost:
		k.fail(path, fault.TooLong, "at most %d bytes", secretMost)
	}
}
