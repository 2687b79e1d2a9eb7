package query

// GroupBy is what records are grouped by.
type GroupBy int

// The kinds. The zero GroupBy is none: all records are one group.
const (
	NoGroups GroupBy = iota
	GroupsOfField
	GroupsOfCreated // the time of creation
)

// Step is which part of a time groups are made by: an interval, or what comes
// again and again.
type Step int

// The steps. Weeks begin on Monday and are numbered by ISO 8601; days of the week
// count from Monday, 1.
const (
	NoStep Step = iota
	Hour
	Day
	Week
	Month
	Quarter
	Year
	HourOfDay
	DayOfWeek
	DayOfMonth
	WeekOfYear
	MonthOfYear
	QuarterOfYear
)

// Cyclic tells whether the step comes again: its groups are numbers, not times.
func (s Step) Cyclic() bool { return s >= HourOfDay }

// Grouping is one dimension of an aggregation.
type Grouping struct {
	By    GroupBy
	Field Field // for GroupsOfField
	Step  Step  // of times, NoStep of anything else
}

// Timed tells whether the groups are made of times.
func (g Grouping) Timed() bool { return g.Step != NoStep }

// MeasureOf is what is measured of the records of a group.
type MeasureOf int

// The measures.
const (
	Records  MeasureOf = iota // how many there are
	Numbers                   // the values of a number field
	Distinct                  // how many different values a field has
	TimeIn                    // how long records are, or were, in an option
	TimeTo                    // how long records took to get into an option
)

// Times tells whether times in options are measured, of which a record has several.
func (m MeasureOf) Times() bool { return m == TimeIn || m == TimeTo }

// Function makes one number of those of a group.
type Function int

// The functions. Records without a value are left out, by AverageAll taken as 0.
const (
	Sum Function = iota
	Count
	Max
	Min
	Average
	AverageAll
)

// Measure is what an aggregation gives of each group.
type Measure struct {
	Of    MeasureOf
	Field Field // but for Records
	Fn    Function
}

// Aggregation groups records in up to two dimensions.
type Aggregation struct {
	Axis, Split Grouping
	Measure     Measure
}
