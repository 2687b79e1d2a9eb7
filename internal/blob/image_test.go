package blob

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
)

// pngOf is a half transparent picture whose upper left quarter is red.
func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, png.Encode(&b, quartered(w, h)))
	return b.Bytes()
}

func quartered(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{B: 255, A: 128}
			if x < w/2 && y < h/2 {
				c = color.NRGBA{R: 255, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// jpegOf is a photo that says how it is to be turned.
func jpegOf(t testing.TB, w, h, turn int) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, jpeg.Encode(&b, quartered(w, h), nil))
	exif := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00")
	exif = append(exif, byte(turn), 0, 0)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return append(append(append([]byte{0xff, 0xd8}, segment...), exif...), b.Bytes()[2:]...)
}

// bomb is a picture of a few bytes that would take 16 GB.
func bomb() []byte {
	header := []byte("IHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x06\x00\x00\x00")
	data := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	data = append(data, header...)
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(header))
}

func wantPNG(t *testing.T, s Store, key string, w, h int) {
	t.Helper()
	c, err := s.Open(t.Context(), key)
	check(t, err)
	defer func() { check(t, c.Close()) }()
	img, err := png.Decode(c)
	check(t, err)
	if b := img.Bounds(); b.Dx() != w || b.Dy() != h {
		t.Errorf("%s is %v, want %d x %d", key, b, w, h)
	}
}

func TestPreviewKeepsTransparency(t *testing.T) {
	f, _ := newFolder(t)
	key := NewKey(1, "x.png")
	_, err := f.Put(t.Context(), key, bytes.NewReader(pngOf(t, 3000, 3000)))
	check(t, err)
	_, err = MakePreviews(t.Context(), f, key)
	check(t, err)
	c, err := f.Open(t.Context(), Beside(key, ThumbnailName))
	check(t, err)
	defer func() { check(t, c.Close()) }()
	img, err := png.Decode(c)
	check(t, err)
	red, clear := color.NRGBAModel.Convert(img.At(20, 20)).(color.NRGBA), color.NRGBAModel.Convert(img.At(100, 100)).(color.NRGBA)
	if red.R < 250 || red.A < 250 || clear.B < 250 || clear.A < 120 || clear.A > 136 {
		t.Errorf("%v, %v", red, clear)
	}
}

// TestTurned: the red corner is where a viewer that knows Exif shows it.
func TestTurned(t *testing.T) {
	for turn, at := range map[int][2]bool{ // right, lower
		1: {false, false}, 2: {true, false}, 3: {true, true}, 4: {false, true},
		5: {false, false}, 6: {true, false}, 7: {true, true}, 8: {false, true},
	} {
		img := turned(quartered(40, 20), turn)
		b := img.Bounds()
		x, y := b.Dx()/4, b.Dy()/4
		if at[0] {
			x = b.Dx() * 3 / 4
		}
		if at[1] {
			y = b.Dy() * 3 / 4
		}
		if r, _, _, _ := img.At(x, y).RGBA(); r != 0xffff || (b.Dx() < b.Dy()) != (turn >= 5) {
			t.Errorf("%d: bounds %v, red is %d", turn, b, r)
		}
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(jpegOf(f, 2, 2, 6))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := orientation(data); o < 1 || o > 8 {
			t.Error(o)
		}
	})
}

// jpegHeader is the beginning of a JPEG of three parts.
func jpegHeader(marker byte, w, h int, sampling byte) []byte {
	data := []byte{0xff, 0xd8, 0xff, marker, 0, 17, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3}
	return append(data, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1)
}

func TestBearable(t *testing.T) {
	for name, c := range map[string]struct {
		config image.Config
		head   []byte
		want   bool
	}{
		"a photo of 64 megapixels":         {image.Config{Width: 9280, Height: 6960}, jpegHeader(0xc0, 9280, 6960, 0x22), true},
		"a progressive one of 24":          {image.Config{Width: 6000, Height: 4000}, jpegHeader(0xc2, 6000, 4000, 0x22), true},
		"a progressive one of 64":          {image.Config{Width: 9280, Height: 6960}, jpegHeader(0xc2, 9280, 6960, 0x22), false},
		"a progressive one, every sample":  {image.Config{Width: 6000, Height: 4000}, jpegHeader(0xc2, 6000, 4000, 0x11), false},
		"a JPEG whose header is not found": {image.Config{Width: 6000, Height: 4000}, []byte("\xff\xd8\xff\xe1\xff\xff"), false},
		"a WebP of 24":                     {image.Config{Width: 6000, Height: 4000}, []byte("RIFF0000WEBP"), true},
		"a WebP of 64":                     {image.Config{Width: 9280, Height: 6960}, []byte("RIFF0000WEBP"), false},
		"a BMP":                            {image.Config{Width: 1 << 16, Height: 1 << 16, ColorModel: color.RGBAModel}, []byte("BM"), false},
		"a long one":                       {image.Config{Width: 1<<16 + 1, Height: 1, ColorModel: color.GrayModel}, []byte("BM"), false},
		"nothing":                          {image.Config{}, []byte("BM"), false},
	} {
		if got := bearable(c.config, c.head); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
