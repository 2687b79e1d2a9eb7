package blob

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Link lets whoever has it read one content of one file for a while.
type Link struct {
	File    int64 // the file's number
	Key     string
	Expires time.Time
}

// Query is the query string that makes an address of the content a link.
func (s *Signer) Query(l Link) string {
	expires := l.Expires.Unix()
	return "file=" + strconv.FormatInt(l.File, 10) + "&expires=" + strconv.FormatInt(expires, 10) +
		"&token=" + s.token(l.File, l.Key, expires)
}

// token is an HMAC over all that the link allows.
func (s *Signer) token(file int64, key string, expires int64) string {
	h := hmac.New(sha256.New, s.LinkSecret)
	var numbers [16]byte
	binary.BigEndian.PutUint64(numbers[:8], uint64(file))
	binary.BigEndian.PutUint64(numbers[8:], uint64(expires))
	h.Write(numbers[:])
	h.Write([]byte(key))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Linked reads a link: its key and query string. It tells whether the link is one
// of ours that has not expired.
func (s *Signer) Linked(key string, query url.Values, now time.Time) (Link, bool) {
	file, err1 := strconv.ParseInt(query.Get("file"), 10, 64)
	expires, err2 := strconv.ParseInt(query.Get("expires"), 10, 64)
	genuine := hmac.Equal([]byte(query.Get("token")), []byte(s.token(file, key, expires)))
	l := Link{file, key, time.Unix(expires, 0)}
	return l, err1 == nil && err2 == nil && genuine && now.Before(l.Expires)
}

// Path is the path of a content's address: the bucket and the key, escaped.
func (s *Signer) Path(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/" + s.Bucket + "/" + strings.Join(parts, "/")
}

// KeyOf is the key in the address of a content, "" if it is none of ours: on
// which host it was asked for is not looked at, because nobody can guess a key.
func (s *Signer) KeyOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	key, ok := strings.CutPrefix(u.Path, "/"+s.Bucket+"/")
	if !ok || !ValidKey(key) {
		return ""
	}
	return key
}
