namespace Lepton.Cost.Budgets;

/// <summary>What became of an approval.</summary>
internal enum ApprovalOutcome
{
    /// <summary>It holds from now on.</summary>
    Approved,

    /// <summary>Who asked cannot approve: it needs a second person.</summary>
    SamePerson,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was approved or withdrawn before.</summary>
    AlreadyDecided,
}

/// <summary>
/// More than the limit, for a while: asked by one person, approved by another, never both the same.
/// It raises one budget; those above it stand, so that a tag's override cannot break its tenant's limit.
/// </summary>
/// <param name="id">Unique.</param>
/// <param name="budget">Which.</param>
/// <param name="extraMicros">1 or more.</param>
/// <param name="requestedBy">ISSUER/SUBJECT of the person.</param>
/// <param name="reason">For the audit log.</param>
/// <param name="validUntil">Its end, exclusive; at most the period's.</param>
internal sealed class BudgetOverride(
    string id, string budget, long extraMicros, string requestedBy, string reason, DateTimeOffset validUntil)
{
    private bool _withdrawn;

    public string Id => id;

    public string Budget => budget;

    public string RequestedBy => requestedBy;

    public string Reason => reason;

    public DateTimeOffset ValidUntil => validUntil;

    /// <summary>Who approved; null: nobody yet.</summary>
    public string? ApprovedBy { get; private set; }

    /// <summary>Asks.</summary>
    /// <exception cref="FormatException">A field is wrong; names it and what it takes.</exception>
    public static BudgetOverride Request(string id, string budget, long extraMicros, string requestedBy, string reason,
        DateTimeOffset validUntil, DateTimeOffset now) =>
        extraMicros <= 0 ? throw new FormatException("extra_micros takes 1 or more")
        : requestedBy.Length == 0 ? throw new FormatException("requested_by takes a person")
        : reason.Trim().Length is 0 or > 1000 ? throw new FormatException("reason takes 1 to 1000 characters")
        : validUntil <= now || validUntil > BudgetPeriod.Of(now).End
            ? throw new FormatException("valid_until takes a time in what is left of this month (UTC)")
        : new BudgetOverride(id, budget, extraMicros, requestedBy, reason, validUntil);

    /// <summary>Approves.</summary>
    /// <param name="person">ISSUER/SUBJECT, compared without regard to case: two spellings are one person.</param>
    /// <param name="now">The time.</param>
    public ApprovalOutcome Approve(string person, DateTimeOffset now)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(person);
        if (now >= validUntil)
            return ApprovalOutcome.Expired;
        if (ApprovedBy is not null || _withdrawn)
            return ApprovalOutcome.AlreadyDecided;
        if (string.Equals(person.Trim(), requestedBy.Trim(), StringComparison.OrdinalIgnoreCase))
            return ApprovalOutcome.SamePerson;
        ApprovedBy = person;
        return ApprovalOutcome.Approved;
    }

    /// <summary>Takes it back, approved or not.</summary>
    public void Withdraw() => _withdrawn = true;

    /// <summary>What it adds to the limit at this time.</summary>
    public long ExtraMicrosAt(DateTimeOffset now) =>
        ApprovedBy is not null && !_withdrawn && now < validUntil ? extraMicros : 0;
}
