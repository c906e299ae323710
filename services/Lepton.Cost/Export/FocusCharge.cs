using Lepton.Cost.Usage;

namespace Lepton.Cost.Export;

/// <summary>What is exported as a row: charges of one price and one set of tags, over a stretch of time.</summary>
/// <param name="Charge">What was used and what it cost, together.</param>
/// <param name="Start">The first instant.</param>
/// <param name="End">The first after it.</param>
/// <param name="Tags">By what it is charged.</param>
/// <param name="Node">The node; empty: none.</param>
/// <param name="IsUnused">Of a reserved node: nobody used it.</param>
/// <param name="IsCorrection">It corrects an earlier month, whose bill is closed.</param>
internal sealed record FocusCharge(Charge Charge, DateTimeOffset Start, DateTimeOffset End, UsageTags Tags, string Node,
    bool IsUnused = false, bool IsCorrection = false);

/// <summary>Whose bill it is.</summary>
/// <param name="AccountId">The organisation.</param>
/// <param name="AccountName">Its name.</param>
/// <param name="Provider">Who offers the service; also publishes it.</param>
/// <param name="InvoiceIssuer">Who sends the bill.</param>
/// <param name="InvoiceId">The bill; null: none yet.</param>
/// <param name="Period">Its month.</param>
internal sealed record FocusBill(string AccountId, string AccountName, string Provider, string InvoiceIssuer,
    string? InvoiceId, Budgets.BudgetPeriod Period);
