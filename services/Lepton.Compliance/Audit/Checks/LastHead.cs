using Google.Protobuf;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Checks;

/// <summary>
/// The newest head of the own log in a file outside the database: whoever rewrites the database must also come into
/// this machine, and past the witnesses.
/// </summary>
internal sealed class LastHead(IOptions<AuditOptions> options)
{
    private string FileName => Path.Combine(options.Value.DataDirectory, "head");

    /// <summary>On disk when it returns.</summary>
    public void Write(TreeHead head)
    {
        SecretFolder.Ensure(options.Value.DataDirectory);
        SecretFolder.Replace(FileName, head.ToByteArray());
    }

    /// <summary>Null: none was signed here yet.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public TreeHead? Read()
    {
        try
        {
            return File.Exists(FileName) ? TreeHead.Parser.ParseFrom(File.ReadAllBytes(FileName)) : null;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"{FileName} is damaged.", e);
        }
    }
}
