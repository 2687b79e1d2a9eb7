"""Differences in calendar months, as dateutil.relativedelta has them."""
import calendar
import datetime


class weekday:
    """A day of the week, MO(+2) being the second Monday."""

    def __init__(self, day, n=None):
        if n == 0:
            raise ValueError("Can't create weekday with n==0")
        self.weekday, self.n = day, n

    def __call__(self, n):
        return weekday(self.weekday, n)

    def __eq__(self, other):
        return isinstance(other, weekday) and (self.weekday, self.n) == (other.weekday, other.n)

    def __hash__(self):
        return hash((self.weekday, self.n))

    def __repr__(self):
        name = ('MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU')[self.weekday]
        return name if not self.n else '%s(%+d)' % (name, self.n)


MO, TU, WE, TH, FR, SA, SU = (weekday(n) for n in range(7))

RELATIVE = ('years', 'months', 'days', 'leapdays', 'hours', 'minutes', 'seconds', 'microseconds')
ABSOLUTE = ('year', 'month', 'day', 'weekday', 'hour', 'minute', 'second', 'microsecond')


class relativedelta:
    def __init__(self, dt1=None, dt2=None, years=0, months=0, days=0, leapdays=0, weeks=0, hours=0, minutes=0, seconds=0,
                 microseconds=0, year=None, month=None, day=None, weekday=None, yearday=None, nlyearday=None, hour=None,
                 minute=None, second=None, microsecond=None):
        given = locals()
        for name in ABSOLUTE:
            setattr(self, name, given[name])
        if dt1 is not None and dt2 is not None:
            self._between(dt1, dt2)
            return
        if any(v != int(v) for v in (years, months)):
            raise ValueError('Non-integer years and months are ambiguous and not currently supported.')
        for name in RELATIVE:
            setattr(self, name, given[name])
        self.years, self.months, self.days = int(years), int(months), days + weeks * 7
        if isinstance(weekday, int):
            self.weekday = (MO, TU, WE, TH, FR, SA, SU)[weekday]
        if yearday or nlyearday:
            self._yearday(yearday, nlyearday)
        self._fix()

    def _yearday(self, yearday, nlyearday):
        day = nlyearday or yearday
        if yearday and yearday > 59:
            self.leapdays = -1
        if not 0 < day <= 366:
            raise ValueError('invalid year day (%d)' % day)
        found = datetime.date(2001, 1, 1) + datetime.timedelta(min(day, 365) - 1)
        self.month, self.day = found.month, found.day + (day == 366)

    def _between(self, dt1, dt2):
        for dt in (dt1, dt2):
            if not isinstance(dt, datetime.date):
                raise TypeError('relativedelta only diffs datetime/date')
        if isinstance(dt1, datetime.datetime) != isinstance(dt2, datetime.datetime):
            dt1, dt2 = (d if isinstance(d, datetime.datetime) else datetime.datetime.fromordinal(d.toordinal()) for d in (dt1, dt2))
        for name in RELATIVE:
            setattr(self, name, 0)
        months = (dt1.year - dt2.year) * 12 + dt1.month - dt2.month
        self._set_months(months)
        reached = self.__radd__(dt2)
        forward = dt1 < dt2
        while dt1 > reached if forward else dt1 < reached:  # months that went too far
            months += 1 if forward else -1
            self._set_months(months)
            reached = self.__radd__(dt2)
        rest = dt1 - reached
        self.seconds = rest.seconds + rest.days * 86400
        self.microseconds = rest.microseconds
        self._fix()

    def _set_months(self, months):
        sign = -1 if months < 0 else 1
        years, rest = divmod(abs(months), 12)
        self.years, self.months = years * sign, rest * sign

    def _fix(self):
        for small, large, size in (('microseconds', 'seconds', 1000000), ('seconds', 'minutes', 60), ('minutes', 'hours', 60),
                                   ('hours', 'days', 24), ('months', 'years', 12)):
            value = getattr(self, small)
            if abs(value) >= size:
                sign = -1 if value < 0 else 1
                more, rest = divmod(abs(value), size)
                setattr(self, small, rest * sign)
                setattr(self, large, getattr(self, large) + more * sign)

    @property
    def weeks(self):
        return int(self.days / 7.0)

    def normalized(self):
        return relativedelta(**self._relative(lambda v: round(v)), **self._absolute())

    def _relative(self, change=lambda v: v):
        return {n: change(getattr(self, n)) for n in RELATIVE}

    def _absolute(self):
        return {n: getattr(self, n) for n in ABSOLUTE}

    def __radd__(self, dt):
        if not isinstance(dt, datetime.date):
            return NotImplemented
        if not isinstance(dt, datetime.datetime) and self._has_time():
            dt = datetime.datetime.fromordinal(dt.toordinal())
        year = (self.year or dt.year) + self.years
        month = self.month or dt.month
        if self.months:
            more, month = divmod(month + self.months - 1, 12)
            year, month = year + more, month + 1
        day = min(calendar.monthrange(year, month)[1], self.day or dt.day)
        changed = {'year': year, 'month': month, 'day': day}
        for name in ('hour', 'minute', 'second', 'microsecond'):
            if getattr(self, name) is not None:
                changed[name] = getattr(self, name)
        days = self.days
        if self.leapdays and month > 2 and calendar.isleap(year):
            days += self.leapdays
        moved = dt.replace(**changed) + datetime.timedelta(
            days=days, hours=self.hours, minutes=self.minutes, seconds=self.seconds, microseconds=self.microseconds)
        return self._to_weekday(moved)

    def _has_time(self):
        names = ('hours', 'minutes', 'seconds', 'microseconds')
        return any(getattr(self, n) for n in names) or any(getattr(self, n) is not None for n in ABSOLUTE[4:])

    def _to_weekday(self, moved):
        if self.weekday is None:
            return moved
        n = self.weekday.n or 1
        jump = (abs(n) - 1) * 7
        if n > 0:
            jump += (7 - moved.weekday() + self.weekday.weekday) % 7
        else:
            jump = -(jump + (moved.weekday() - self.weekday.weekday) % 7)
        return moved + datetime.timedelta(days=jump)

    def __add__(self, other):
        if isinstance(other, relativedelta):
            sums = {n: getattr(self, n) + getattr(other, n) for n in RELATIVE}
            sums['leapdays'] = other.leapdays or self.leapdays
            chosen = {n: getattr(self, n) if getattr(other, n) is None else getattr(other, n) for n in ABSOLUTE}
            return relativedelta(**sums, **chosen)
        if isinstance(other, datetime.timedelta):
            return self + relativedelta(days=other.days, seconds=other.seconds, microseconds=other.microseconds)
        return self.__radd__(other)

    def __rsub__(self, dt):
        return (-self).__radd__(dt)

    def __sub__(self, other):
        if not isinstance(other, relativedelta):
            return NotImplemented
        return self + -other

    def __neg__(self):
        return relativedelta(**self._relative(lambda v: -v) | {'leapdays': self.leapdays}, **self._absolute())

    def __abs__(self):
        return relativedelta(**self._relative(abs) | {'leapdays': self.leapdays}, **self._absolute())

    def __mul__(self, factor):
        return relativedelta(**self._relative(lambda v: int(v * factor)) | {'leapdays': self.leapdays}, **self._absolute())

    __rmul__ = __mul__

    def __truediv__(self, divisor):
        return self * (1 / float(divisor))

    def __bool__(self):
        return any(self._relative().values()) or any(v is not None for v in self._absolute().values())

    def __eq__(self, other):
        if not isinstance(other, relativedelta):
            return NotImplemented
        return self._relative() == other._relative() and self._absolute() == other._absolute()

    def __hash__(self):
        return hash((tuple(self._relative().values()), tuple(self._absolute().values())))

    def __repr__(self):
        parts = ['%s=%+g' % (n, v) for n, v in self._relative().items() if v]
        parts += ['%s=%r' % (n, v) for n, v in self._absolute().items() if v is not None]
        return 'relativedelta(%s)' % ', '.join(parts)
