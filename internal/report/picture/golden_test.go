package picture_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"kartoteka/internal/report/picture"
)

var update = flag.Bool("update", false, "draw the golden pictures anew")

// golden is where the pictures are that docs/widgets.md shows.
const golden = "../../../docs/images/widgets"

var none = math.NaN()

func named(names ...string) []picture.Category {
	list := make([]picture.Category, len(names))
	for i, n := range names {
		list[i].Name = n
	}
	return list
}

func digits(n int) *int { return &n }

var (
	states = []picture.Category{
		{Name: "Новий", Color: "5b8def"}, {Name: "Їде до клієнта", Color: "f2a93b"}, {Name: "Очікує на оплату", Color: "ffffff"},
		{Name: "Виконано", Color: "3bb273"}, {Name: "Повернуто", Color: "e15554"}, {Name: "без значення"},
	}
	months   = named("жовт. 2025", "вер. 2025", "серп. 2025", "лип. 2025", "черв. 2025", "трав. 2025", "квіт. 2025", "бер. 2025", "лют. 2025", "січ. 2025")
	quarters = named("Q1 2025", "Q2 2025", "Q3 2025", "Q4 2025")
	regions  = []picture.Series{
		{Name: "North", Values: []float64{120500, 132000, 98000, 150250}},
		{Name: "South", Values: []float64{80300, 99100, 121000, 131000}},
		{Name: "Online", Values: []float64{40000, none, 88000, 175500}},
	}
	clients = named("ТОВ «Ґрунт і насіння»", "Євротранс", "Їжак та Ко, товариство з дуже довгою назвою", "Йогуртова фабрика", "ФОП Щербань О. Є.",
		"Львівська кав’ярня", "Аґрофірма", "без значення")
	skills = named("Speed", "Price", "Support", "Quality", "Range", "Delivery")
)

// pictures are those of the documents: each kind, light and dark.
var pictures = []struct {
	name string
	dark bool
	lang string
	picture.Chart
}{
	{"columns-light", false, "uk", picture.Chart{Kind: picture.Columns, Title: "Замовлення за станом", Categories: states, Multicolor: true,
		Series: []picture.Series{{Name: "записи", Values: []float64{1240, 860, 431, 2310, 95, 12}}}}},
	{"columns-dark", true, "en", picture.Chart{Kind: picture.Columns, Title: "Sales by quarter and region", Categories: quarters, Series: regions,
		Format: picture.Format{Unit: "€"}}},
	{"lines-light", false, "uk", picture.Chart{Kind: picture.Lines, Title: "Виторг за місяцями", Categories: months, Backward: true, More: 26,
		Format: picture.Format{Unit: "₴"}, Series: []picture.Series{
			{Name: "Київ", Values: []float64{2450000, 2210000, 1980000, 2050000, 1730000, 1690000, 1400000, 1520000, 1180000, 990000}},
			{Name: "Львів", Values: []float64{1150000, 1240000, 1010000, 930000, 990000, none, none, 640000, 610000, 480000}},
		}}},
	{"lines-dark", true, "en", picture.Chart{Kind: picture.Lines, Title: "Change of stock", Categories: named("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
		Series: []picture.Series{{Name: "Boxes", Values: []float64{12.5, -3, 8, -14.25, 2, 0, 21}}}}},
	{"bars-light", false, "uk", picture.Chart{Kind: picture.Bars, Title: "Середній чек клієнта", Categories: clients, More: 37,
		Format: picture.Format{Unit: "₴", Digits: digits(2)},
		Series: []picture.Series{{Name: "сума", Values: []float64{184250.5, 121340, 98455.25, 61200, 40310.75, 22000, 9870.4, none}}}}},
	{"bars-dark", true, "en", picture.Chart{Kind: picture.Bars, Title: "Tickets by team", Stacked: true, Categories: named("Support", "Development", "Sales", "Accounting"),
		Series: []picture.Series{{Name: "Open", Values: []float64{34, 51, 12, 4}}, {Name: "In progress", Values: []float64{12, 30, 8, 6}}, {Name: "Done", Values: []float64{120, 88, 45, 21}}}}},
	{"pie-light", false, "uk", picture.Chart{Kind: picture.Pie, Title: "Замовлення за станом", Categories: states,
		Series: []picture.Series{{Values: []float64{1240, 860, 431, 2310, 95, 12}}}}},
	{"pie-dark", true, "ru", picture.Chart{Kind: picture.Pie, Title: "Время в работе по сотрудникам", Categories: named("Анна Ёлкина", "Борис", "Вера", "Объединённый отдел", "Эдуард"),
		Format: picture.Format{Duration: true}, Series: []picture.Series{{Values: []float64{9.5e8, 6.2e8, 4.1e8, 2.2e8, 0.7e8}}}}},
	{"radar-light", false, "en", picture.Chart{Kind: picture.Radar, Title: "What customers say", Categories: skills,
		Series: []picture.Series{{Name: "This year", Values: []float64{4.2, 3.1, 4.8, 4.4, 2.9, 3.7}}, {Name: "Last year", Values: []float64{3.4, 3.6, 3.9, 4.1, 2.2, 4}}}}},
	{"radar-dark", true, "ru", picture.Chart{Kind: picture.Radar, Title: "Заявки по дням недели", Categories: named("Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс"),
		Series: []picture.Series{{Name: "записи", Values: []float64{31, 42, 38, 29, 44, 12, 7}}}}},
	{"number-light", false, "uk", picture.Chart{Kind: picture.Number, Title: "Виторг за місяць", Format: picture.Format{Unit: "₴", Digits: digits(2)},
		Series: []picture.Series{{Values: []float64{1234567.5}}}}},
	{"number-dark", true, "en", picture.Chart{Kind: picture.Number, Title: "Time to the first answer", Format: picture.Format{Duration: true},
		Series: []picture.Series{{Values: []float64{8.1e6}}}}},
	{"table-light", false, "uk", picture.Chart{Kind: picture.Table, Title: "Клієнти", Axis: "Клієнт", Categories: clients, More: 5,
		Format: picture.Format{Unit: "₴", Digits: digits(2)},
		Series: []picture.Series{{Name: "Оплачено", Values: []float64{184250.5, 121340, 98455.25, 61200, 40310.75, 22000, 9870.4, none}},
			{Name: "Борг", Values: []float64{0, 4500, 12000.5, none, 310, 0, -120, 80}}}}},
	{"table-dark", true, "en", picture.Chart{Kind: picture.Table, Title: "Sales by quarter and region", Axis: "Quarter", Categories: quarters, Series: regions}},
}

// TestGolden: an SVG is the same to the byte. Letters and curves of a PNG may
// differ by a trace, because some processors round float32 sums in one step.
func TestGolden(t *testing.T) {
	for _, p := range pictures {
		t.Run(p.name, func(t *testing.T) {
			look := picture.Look{Width: 640, Height: 360, Dark: p.dark, Language: p.lang}
			file := filepath.Join(golden, p.name+".svg")
			got := p.SVG(look)
			if *update {
				check(t, os.WriteFile(file, got, 0o644))
			}
			want, err := os.ReadFile(file)
			check(t, err)
			if !bytes.Equal(got, want) {
				t.Errorf("it differs from %s (go test -update draws it anew)", file)
			}
			if p.name == "columns-dark" || p.name == "pie-light" {
				comparePNG(t, p.Chart, look, filepath.Join(golden, p.name+".png"))
			}
		})
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func comparePNG(t *testing.T, c picture.Chart, look picture.Look, file string) {
	t.Helper()
	got, err := c.PNG(look)
	check(t, err)
	if *update {
		check(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	a, b := decode(t, got), decode(t, want)
	if a.Bounds() != b.Bounds() {
		t.Fatalf("%v, want %v", a.Bounds(), b.Bounds())
	}
	const most = 2 // of 255
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if p, q := pixel(a, x, y), pixel(b, x, y); apart(p.R, q.R) > most || apart(p.G, q.G) > most || apart(p.B, q.B) > most || p.A != q.A {
				t.Fatalf("the pixel %d, %d is %v, in %s %v (go test -update draws it anew)", x, y, p, file, q)
			}
		}
	}
}

func decode(t testing.TB, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	check(t, err)
	return img
}

func pixel(img image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
}

func apart(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
