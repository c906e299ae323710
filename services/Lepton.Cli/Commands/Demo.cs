namespace Lepton.Cli.Commands;

/// <summary>A user's document and the model that such a user would put beside the text reader.</summary>
/// <param name="Name">The command's word, and the document's name in .lepton/samples.</param>
/// <param name="Tenant">Whose certificate is shown: its floor in deploy/residency.json is the document's class.</param>
/// <param name="Document">What is sent, as people call it.</param>
/// <param name="OwnModel">What the user brings as an ONNX file.</param>
internal sealed record Demo(string Name, string Tenant, string Document, string OwnModel)
{
    public static IReadOnlyList<Demo> All { get; } =
    [
        new("finance", "harbour-bank", "an invoice with a bank account", "fraud"),
        new("medical", "lakeside-clinic", "a prescription label with a patient's name", "diagnosis"),
        new("logistics", "lion-parcels", "a parcel label with a recipient's address", "route"),
    ];
}
