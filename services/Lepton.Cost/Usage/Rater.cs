using Lepton.Cost.Money;
using Lepton.Cost.Prices;

namespace Lepton.Cost.Usage;

/// <summary>A quantity with its price.</summary>
/// <param name="Quantity">What and how much.</param>
/// <param name="Model">The bargain whose price was taken.</param>
/// <param name="Price">In force when it was used.</param>
/// <param name="List">The on-demand price at that time.</param>
/// <param name="Cost">Exactly; <see cref="ExactAmount.Split"/> for a database.</param>
/// <param name="ListCost">What it would have cost on demand.</param>
internal sealed record Charge(
    Quantity Quantity, PricingModel Model, UnitPrice Price, UnitPrice List, ExactAmount Cost, ExactAmount ListCost);

/// <summary>What a rating came to.</summary>
/// <param name="Charges">One a quantity that has a price.</param>
/// <param name="Unpriced">The others: kept, and rated when a book has a price for that time.</param>
internal sealed record Rating(IReadOnlyList<Charge> Charges, IReadOnlyList<Quantity> Unpriced);

/// <summary>Usage times the price in force. Nothing is rounded: charges add up in any order.</summary>
internal sealed class Rater(PriceBook book)
{
    /// <summary>Rates an event. Where its bargain has no price of the thing, the on-demand price is taken.</summary>
    public Rating Rate(UsageEvent usage)
    {
        List<Charge> charges = [];
        List<Quantity> unpriced = [];
        foreach (var quantity in usage.Quantities)
        {
            if (Rate(quantity, usage.Model, usage.Time) is { } charge)
                charges.Add(charge);
            else
                unpriced.Add(quantity);
        }
        return new Rating(charges, unpriced);
    }

    /// <summary>Rates a quantity; null: the book has no on-demand price of it at that time.</summary>
    public Charge? Rate(Quantity quantity, PricingModel model, DateTimeOffset time)
    {
        if (!book.TryFind(quantity.Key, PricingModel.OnDemand, time, out var list))
            return null;
        if (!book.TryFind(quantity.Key, model, time, out var price))
            (model, price) = (PricingModel.OnDemand, list);
        return new Charge(quantity, model, price, list, Cost(quantity.Units, price), Cost(quantity.Units, list));
    }

    private ExactAmount Cost(long units, UnitPrice price) =>
        // Whole: PartsPerMicro is a multiple of each Per.
        new(checked((Int128)units * price.Micros * (ExactAmount.PartsPerMicro / price.Per)), book.Currency);
}
