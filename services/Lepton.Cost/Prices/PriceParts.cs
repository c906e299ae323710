using System.ComponentModel.DataAnnotations;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Cost.Prices;

/// <summary>Where prices begin.</summary>
internal sealed class PriceOptions
{
    public const string Section = "Prices";

    /// <summary>The price book that holds until a record <c>control/prices</c> of a greater version comes.</summary>
    [Required(ErrorMessage = "the path of a price book, e.g. deploy/prices/example-cloud-one.json")]
    public string File { get; init; } = "";
}

/// <summary>Prices as the service has them: a file, then the record that all regions follow.</summary>
internal static class PriceParts
{
    /// <summary>The record's key.</summary>
    public const string RecordKey = "control/prices";

    public static IServiceCollection AddPrices(this IServiceCollection services)
    {
        services.AddChecked<PriceOptions>(PriceOptions.Section);
        return services
            .AddSingleton(s => Follow(PriceReader.Load(s.GetRequiredService<IOptions<PriceOptions>>().Value.File)))
            .AddSingleton<ControlTarget>(s => s.GetRequiredService<ControlRecord<PriceBook>>());
    }

    /// <summary>Begins with a book; a record of a greater version takes its place.</summary>
    public static ControlRecord<PriceBook> Follow(PriceBook seed) =>
        new(RecordKey, seed, book => book.Version, (_, json) => PriceReader.Parse(json));
}
