using System.Globalization;
using System.Text.Json;

namespace Lepton.Compliance.Client;

/// <summary>Who stands behind a policy version.</summary>
/// <param name="Digest">Of its document, <c>sha256:</c> and 64 hex digits.</param>
/// <param name="Author">Who submitted it.</param>
/// <param name="Approver">Who approved it: somebody else.</param>
/// <param name="Time">When.</param>
/// <param name="IsSeed">
/// It came with the installation, or by <c>policy publish</c>, and was in force before there was an order.
/// </param>
public sealed record PolicyApproval(string Digest, string Author, string Approver, DateTimeOffset Time, bool IsSeed)
{
    internal void Write(Utf8JsonWriter json, long version)
    {
        json.WriteStartObject($"{version}");
        json.WriteString("digest", Digest);
        json.WriteString("author", Author);
        json.WriteString("approver", Approver);
        json.WriteString("time", Time.ToString("O", CultureInfo.InvariantCulture));
        if (IsSeed)
            json.WriteBoolean("seed", true);
        json.WriteEndObject();
    }

    internal static PolicyApproval Read(JsonElement element, string path)
    {
        Law.LawFields fields = new(element, path, ["digest", "author", "approver", "time", "seed"]);
        var isSeed = fields.Find("seed") is { ValueKind: JsonValueKind.True };
        return new PolicyApproval(fields.Text("digest"), Name("author"), Name("approver"),
            DateTimeOffset.TryParse(fields.Text("time"), CultureInfo.InvariantCulture,
                DateTimeStyles.RoundtripKind, out var time) ? time : throw fields.Bad("time", "takes a time, ISO 8601"),
            isSeed);

        string Name(string field) => isSeed && fields.Find(field)?.GetString() is "" ? "" : fields.Text(field);
    }
}
