using System.Security.Cryptography;
using System.Text;

namespace Lepton.Setup.Outputs;

/// <summary>A short name for everything a step's result depends on; equal hash, equal result.</summary>
internal static class InputHash
{
    public static string Of(params IEnumerable<string> inputs) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', inputs))));
}
