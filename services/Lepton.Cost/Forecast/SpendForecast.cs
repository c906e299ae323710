using Lepton.Cost.Money;

namespace Lepton.Cost.Forecast;

/// <summary>What a month will come to.</summary>
/// <param name="MonthToDate">Spent so far; exact.</param>
/// <param name="Expected">The whole month; what is to come is an estimate.</param>
/// <param name="Low">The interval's lower end: the month is below it one time in ten.</param>
/// <param name="High">Its upper end.</param>
/// <param name="Origins">How many days of the past the interval was learnt from.</param>
internal sealed record SpendForecast(Amount MonthToDate, Amount Expected, Amount Low, Amount High, int Origins);

/// <summary>Hours of spend without a hole.</summary>
/// <param name="Start">The first hour's beginning, UTC.</param>
/// <param name="Micros">One value an hour; 0 where nothing was spent.</param>
/// <param name="Currency">Of what.</param>
internal sealed record HourlySpend(DateTimeOffset Start, IReadOnlyList<long> Micros, Currency Currency);
