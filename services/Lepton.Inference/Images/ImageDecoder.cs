using Lepton.Inference.V1;

namespace Lepton.Inference.Images;

/// <summary>
/// Decodes PNG and JPEG, upright and in sRGB on white, or refuses: damaged, too large, or something else.
/// </summary>
internal sealed unsafe class ImageDecoder(long pixelsMax)
{
    private static readonly Lazy<bool> Started = new(() =>
    {
        Vips.Start();
        return true;
    });

    public RgbImage Decode(ReadOnlySpan<byte> file, string field)
    {
        _ = Started.Value;
        if (!IsPng(file) && !IsJpeg(file))
            throw Invalid(field, $"{file.Length} bytes came that are neither PNG nor JPEG");
        fixed (byte* data = file)
        {
            // fail_on: without it a file cut short decodes to a grey rest.
            var image = Vips.vips_image_new_from_buffer(data, (nuint)file.Length, "[fail_on=warning]", 0);
            if (image == 0)
                throw Invalid(field, $"the image can't be read: {Vips.TakeError()}");
            try
            {
                // Only the header has been read: a small file of billions of pixels ends here.
                var (width, height) = ((long)Vips.vips_image_get_width(image), (long)Vips.vips_image_get_height(image));
                if (width * height > pixelsMax)
                    throw Invalid(field, $"the image has {width}x{height} pixels, at most {pixelsMax} are taken");
                return ToRgb(image, field);
            }
            finally
            {
                Vips.g_object_unref(image);
            }
        }
    }

    private static RgbImage ToRgb(nint image, string field)
    {
        nint upright = 0, srgb = 0;
        byte* pixels = null;
        try
        {
            nuint length = 0;
            if (Vips.vips_autorot(image, &upright, 0) != 0
                || Vips.vips_colourspace(upright, &srgb, Vips.Srgb, 0) != 0
                || (pixels = Vips.vips_image_write_to_memory(srgb, &length)) == null)
                throw Invalid(field, $"the image can't be decoded: {Vips.TakeError()}");
            var (width, height) = (Vips.vips_image_get_width(srgb), Vips.vips_image_get_height(srgb));
            var bands = Vips.vips_image_get_bands(srgb);
            if (bands is not (3 or 4) || Vips.vips_image_get_format(srgb) != Vips.FormatUChar)
                throw Invalid(field, "the image's colours are of an unknown kind");
            return new RgbImage(width, height, OnWhite(new ReadOnlySpan<byte>(pixels, (int)length), bands));
        }
        finally
        {
            Vips.g_free(pixels);
            if (srgb != 0)
                Vips.g_object_unref(srgb);
            if (upright != 0)
                Vips.g_object_unref(upright);
        }
    }

    /// <summary>Transparent pixels become paper.</summary>
    private static byte[] OnWhite(ReadOnlySpan<byte> pixels, int bands)
    {
        if (bands == 3)
            return pixels.ToArray();
        var rgb = GC.AllocateUninitializedArray<byte>(pixels.Length / 4 * 3);
        for (int from = 0, to = 0; from < pixels.Length; from += 4, to += 3)
        {
            int alpha = pixels[from + 3];
            for (var band = 0; band < 3; band++)
                rgb[to + band] = (byte)(255 + ((pixels[from + band] - 255) * alpha / 255));
        }
        return rgb;
    }

    private static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4e, 0x47]);

    private static bool IsJpeg(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]);

    private static InferenceRefusal Invalid(string field, string message) =>
        new(ErrorReason.ImageInvalid, message, field);
}
