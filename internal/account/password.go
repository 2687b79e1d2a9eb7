package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The cost of new hashes, after OWASP's password storage advice.
const (
	hashMemory = 19 * 1024 // KiB
	hashTime   = 2
	hashLanes  = 1
	hashSalt   = 16
	hashLength = 32
)

// hasher computes one password hash per core at a time, so that a flood of
// logins cannot take all memory and leaves the other requests their share.
type hasher struct {
	slots chan struct{}
	count atomic.Int64
}

func newHasher(slots int) *hasher { return &hasher{slots: make(chan struct{}, slots)} }

func (h *hasher) key(ctx context.Context, password string, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a password hash: %w", context.Cause(ctx))
	}
	defer func() { <-h.slots }()
	h.count.Add(1)
	// Keyboards of one person may compose accents differently.
	text := norm.NFC.Bytes([]byte(password))
	return argon2.IDKey(text, c.salt, c.time, c.memory, c.lanes, hashLength), nil
}

// hash makes the PHC string of a new password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	c := newCost()
	key, err := h.key(ctx, password, c)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.lanes,
		base64.RawStdEncoding.EncodeToString(c.salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// matches tells whether the password belongs to the PHC string; with none it
// computes one hash all the same and says no.
func (h *hasher) matches(ctx context.Context, password, phc string) (bool, error) {
	c, want := newCost(), []byte(nil)
	if phc != "" {
		var err error
		if c, want, err = parsePHC(phc); err != nil {
			return false, err
		}
	}
	key, err := h.key(ctx, password, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, want) == 1, nil
}

type cost struct {
	memory, time uint32
	lanes        uint8
	salt         []byte
}

func newCost() cost {
	salt := make([]byte, hashSalt)
	rand.Read(salt) // never fails
	return cost{hashMemory, hashTime, hashLanes, salt}
}

var errPHC = errors.New("stored password hash is malformed")

func parsePHC(phc string) (c cost, key []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return c, nil, errPHC
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return c, nil, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.lanes); err != nil {
		return c, nil, errPHC
	}
	if c.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, errPHC
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return c, nil, errPHC
	}
	const most = 1 << 20 // 1 GiB, in KiB
	if c.memory < 8 || c.memory > most || c.time < 1 || c.time > 64 || c.lanes < 1 || len(key) != hashLength {
		return c, nil, errPHC
	}
	return c, key, nil
}

// HashSecret makes the PHC string of a password that belongs to no account.
func (s *Service) HashSecret(ctx context.Context, password string) (string, error) {
	return s.hasher.hash(ctx, password)
}

// SecretMatches tells whether a password belongs to a PHC string of HashSecret; with
// none it computes one hash all the same and says no.
func (s *Service) SecretMatches(ctx context.Context, password, hash string) (bool, error) {
	return s.hasher.matches(ctx, password, hash)
}
