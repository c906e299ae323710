namespace Lepton.Cost.Budgets;

/// <summary>A calendar month in UTC, everywhere: a period that began at different instants in different regions
/// could be
/// spent twice in between.</summary>
/// <param name="Year">By the Gregorian calendar.</param>
/// <param name="Month">1 to 12.</param>
internal readonly record struct BudgetPeriod(int Year, int Month)
{
    /// <summary>The first instant.</summary>
    public DateTimeOffset Start => new(Year, Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The first instant after it.</summary>
    public DateTimeOffset End => Start.AddMonths(1);

    /// <summary>The one that follows.</summary>
    public BudgetPeriod Next => Of(End);

    /// <summary>The one that a time lies in.</summary>
    public static BudgetPeriod Of(DateTimeOffset time) => new(time.UtcDateTime.Year, time.UtcDateTime.Month);

    public override string ToString() => $"{Year:0000}-{Month:00}";
}
