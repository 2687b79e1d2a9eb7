package blob

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// newS3 opens the bucket of the store at KARTOTEKA_TEST_S3, which is
// http://key:secret@host:port, and makes it.
func newS3(t *testing.T) (*S3, S3Options) {
	t.Helper()
	address := os.Getenv("KARTOTEKA_TEST_S3")
	if address == "" {
		t.Skip("KARTOTEKA_TEST_S3 is not set: scripts/s3.sh run -- ... sets it")
	}
	u, err := url.Parse(address)
	check(t, err)
	port, err := strconv.Atoi(u.Port())
	check(t, err)
	secret, _ := u.User.Password()
	o := S3Options{Host: u.Hostname(), Port: port, Secure: u.Scheme == "https", Bucket: "test-" + newID(),
		KeyID: u.User.Username(), Secret: secret, Waiting: t.TempDir()}
	s, err := OpenS3(o)
	check(t, err)
	if err := s.Check(t.Context()); !errors.Is(err, ErrNoBucket) {
		t.Fatalf("no bucket: %v", err)
	}
	check(t, s.client.MakeBucket(t.Context(), s.bucket, minio.MakeBucketOptions{}))
	check(t, s.Check(t.Context()))
	return s, o
}

func TestS3(t *testing.T) {
	s, _ := newS3(t)
	testStore(t, s)
	check(t, s.Sweep(t.Context(), time.Now()))
	left, err := os.ReadDir(s.waiting)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	other := *s
	other.bucket = "no-" + s.bucket
	if _, err := other.Open(t.Context(), NewKey(1, "a")); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

// TestS3Large: contents of several parts.
func TestS3Large(t *testing.T) {
	s, _ := newS3(t)
	key := NewKey(1, "large.bin")
	text := strings.Repeat("0123456789abcdef", 40<<20/16)
	n, err := s.Put(t.Context(), key, strings.NewReader(text))
	if err != nil || n != int64(len(text)) {
		t.Fatalf("%d, %v", n, err)
	}
	wantContent(t, s, key, text)
}

func TestS3Previews(t *testing.T) {
	s, _ := newS3(t)
	key := NewKey(1, "x.png")
	_, err := s.Put(t.Context(), key, bytes.NewReader(pngOf(t, 1600, 900)))
	check(t, err)
	size, err := MakePreviews(t.Context(), s, key)
	if err != nil || *size != (Size{1600, 900}) {
		t.Fatalf("%v, %v", size, err)
	}
	wantPNG(t, s, Beside(key, PreviewName), 700, 393)
}

// TestPolicyOfStores: a store of S3's kind takes our policies, and no changed ones.
func TestPolicyOfStores(t *testing.T) {
	s, o := newS3(t)
	signs := &Signer{KeyID: o.KeyID, Secret: []byte(o.Secret), Bucket: o.Bucket}
	key := NewKey(1, "plan.txt")
	document, signature := signs.Sign(Policy{Key: key, Max: 100, Expires: time.Now().Add(time.Hour)})
	post := func(key, signature, content string) int {
		contentType, body := formOf(t, content, "key", key, "acl", ACL, "AWSAccessKeyId", o.KeyID, "Policy", document, "Signature", signature, "Content-Type", "")
		res, err := http.Post(fmt.Sprintf("http://%s:%d/%s", o.Host, o.Port, o.Bucket), contentType, body)
		check(t, err)
		check(t, res.Body.Close())
		return res.StatusCode
	}
	if status := post(key, signature, "the content"); status != http.StatusNoContent {
		t.Errorf("a good policy: %d", status)
	}
	wantContent(t, s, key, "the content")
	for name, status := range map[string]int{
		"another key": post(NewKey(1, "plan.txt"), signature, "x"), "a forged signature": post(key, "AAAA"+signature[4:], "x"),
		"too large": post(key, signature, strings.Repeat("x", 101)),
	} {
		if status < 400 || status > 499 {
			t.Errorf("%s: %d", name, status)
		}
	}
}
