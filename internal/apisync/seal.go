package apisync

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// Sealer encrypts secrets with AES-256-GCM under one of several keys. It is safe for
// concurrent use.
type Sealer struct {
	order []string // ids of keys, the one that encrypts first
	keys  map[string]cipher.AEAD
}

// errSealed: a sealed secret was made with another key, or for another place.
var errSealed = errors.New("the secret cannot be opened with the keys that this server has")

// NewSealer makes a Sealer of keys of 32 bytes; the first one encrypts.
func NewSealer(keys ...[]byte) (*Sealer, error) {
	s := &Sealer{keys: map[string]cipher.AEAD{}}
	for _, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil || len(key) != 32 {
			return nil, errors.New("a key for secrets has 32 bytes")
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(key)
		id := hex.EncodeToString(sum[:4])
		s.order = append(s.order, id)
		s.keys[id] = aead
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key for secrets")
	}
	return s, nil
}

// Seal encrypts a secret for a place: what it belongs to. The result is
// "<key id>.<base64url of nonce and text>".
func (s *Sealer) Seal(secret, place string) string {
	aead := s.keys[s.order[0]]
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	sealed := aead.Seal(nonce, nonce, []byte(secret), []byte(place))
	return s.order[0] + "." + base64.RawURLEncoding.EncodeToString(sealed)
}

// Open gives the secret that Seal encrypted for that place.
func (s *Sealer) Open(sealed, place string) (string, error) {
	id, text, _ := strings.Cut(sealed, ".")
	aead := s.keys[id]
	data, err := base64.RawURLEncoding.DecodeString(text)
	if aead == nil || err != nil || len(data) < aead.NonceSize() {
		return "", errSealed
	}
	n := aead.NonceSize()
	plain, err := aead.Open(nil, data[:n], data[n:], []byte(place))
	if err != nil {
		return "", errSealed
	}
	return string(plain), nil
}

// Current tells whether a sealed secret is under the key that encrypts now.
func (s *Sealer) Current(sealed string) bool { return strings.HasPrefix(sealed, s.order[0]+".") }
