namespace Lepton.Cost.Export;

/// <summary>One check under way: row after row, then what only all rows together show.</summary>
internal sealed class FocusCheck(FocusVersion version)
{
    private readonly IReadOnlyList<FocusColumn> _known = FocusColumn.Of(version);
    private readonly Dictionary<string, int> _columns = [];
    private readonly Dictionary<(string Rule, string Key), string> _parents = [];
    private readonly Dictionary<string, decimal> _billed = [];
    private readonly Dictionary<string, (decimal Used, decimal Purchased, bool IsPurchased)> _commitments = [];
    private int _row = -1;

    /// <summary>What was found.</summary>
    public List<FocusFault> Faults { get; } = [];

    public void Take(IReadOnlyList<string?> record)
    {
        _row++;
        if (_row == 0)
        {
            TakeHeading(record);
            return;
        }
        if (record.Count != _columns.Count)
        {
            Fault("the row", $"has {_columns.Count} fields, not {record.Count}");
            return;
        }
        FocusRow row = new(_columns, record);
        foreach (var column in _known)
        {
            if (!_columns.ContainsKey(column.Name))
                continue;
            if (row[column.Name] is not { } value)
            {
                if (!column.IsNullable)
                    Fault(column.Name, "is not null");
            }
            else if (FocusFormats.Fault(column, value) is { } fault)
            {
                Fault(column.Name, fault);
            }
        }
        foreach (var rule in FocusRules.All)
            if (_columns.ContainsKey(rule.Column) && !rule.Holds(row))
                Fault(rule.Column, rule.Says);
        Remember(row);
    }

    /// <summary>What all rows together must be.</summary>
    public void Complete(IReadOnlyDictionary<string, decimal>? invoices)
    {
        if (_row < 0)
            Fault("the file", "begins with a heading");
        _row = 0;
        foreach (var (id, sums) in _commitments)
            // A purchase may be in another period's data set; where it is here, its usage must be worth it.
            if (sums.IsPurchased && sums.Used != sums.Purchased)
                Fault("EffectiveCost", $"of usage of {id} adds up to what its purchase was billed");
        foreach (var (invoice, billed) in _billed)
            if (invoices is not null && invoices.GetValueOrDefault(invoice) != billed)
                Fault("BilledCost", $"of invoice \"{invoice}\" adds up to the invoice");
        foreach (var invoice in invoices?.Keys ?? [])
            if (!_billed.ContainsKey(invoice) && invoices?[invoice] != 0)
                Fault("InvoiceId", $"of invoice \"{invoice}\" is in the data set");
    }

    private void TakeHeading(IReadOnlyList<string?> heading)
    {
        for (var i = 0; i < heading.Count; i++)
        {
            var name = heading[i] ?? "";
            if (!_columns.TryAdd(name, i))
                Fault(name, "is there once");
            // Another edition's column is as unknown as any other.
            if (!name.StartsWith("x_", StringComparison.Ordinal) && _known.All(c => c.Name != name))
                Fault(name, "is a column of FOCUS, or begins with x_");
        }
        foreach (var column in _known)
            if (column.IsMandatory && !_columns.ContainsKey(column.Name))
                Fault(column.Name, "is in every data set");
    }

    private void Remember(FocusRow row)
    {
        OneParent(row, "ServiceName", "ServiceCategory");
        OneParent(row, "SkuPriceId", "SkuId");
        OneParent(row, "CommitmentDiscountId", "CommitmentDiscountUnit");
        var billed = row.Number("BilledCost") ?? 0;
        var invoice = row["InvoiceId"] ?? "";
        _billed[invoice] = _billed.GetValueOrDefault(invoice) + billed;
        if (row["CommitmentDiscountId"] is not { } id)
            return;
        var sums = _commitments.GetValueOrDefault(id);
        if (row["ChargeCategory"] == "Purchase")
            // One that is paid once covers other periods too: what their data sets hold is not seen here.
            sums = (sums.Used, sums.Purchased + billed, row["ChargeFrequency"] == "Recurring");
        else if (row.IsUsage)
            sums.Used += row.Number("EffectiveCost") ?? 0;
        _commitments[id] = sums;
    }

    private void OneParent(FocusRow row, string column, string parent)
    {
        if (row[column] is not { } key || row[parent] is not { } value)
            return;
        if (!_parents.TryAdd((column, key), value) && _parents[(column, key)] != value)
            Fault(column, $"has one {parent}");
    }

    private void Fault(string column, string says) => Faults.Add(new FocusFault(Math.Max(0, _row), column, says));
}
